from django.db import migrations

# The sentences of commit 1fb8805. Others, of whatever version, stay readable as they are.
CODES = {
    "The file cannot be read as a table of these rows.": "not_a_table",
    "Every row of the file is faulty.": "no_valid_row",
    "The command line imports a file whole or not at all, and some rows are faulty.": "some_invalid",
    "Somebody changed these tables during the import, so nothing was imported; import it again.": "collision",
    "It was broken off before its end, and nothing was imported.": "interrupted",
    "It was a dry run, which only tells what would change.": "dry_run",
    "Nobody went ahead with it for a day, so the file and its rows were removed.": "expired",
    "Somebody else undid this import meanwhile.": "already_undone",
    "The uploaded file is gone; upload it again.": "file_gone",
    "The database broke the work off three times; upload the file again when it is well.": "database_lost",
    "HealthTrack itself failed at this file; its log says where. Tell an administrator the import's number.": (
        "program_error"
    ),
    "The program that worked on it was ended three times; upload the file again, or tell an administrator.": (
        "worker_ended"
    ),
    "": "",
}


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def code_of(column: str) -> str:
    cases = " ".join(f"WHEN {quoted(sentence)} THEN {quoted(code)}" for sentence, code in CODES.items())
    return f"CASE {column} {cases} ELSE 'legacy' END"


TAKE_OVER = f"""
UPDATE import_runs SET
    kind = CASE WHEN undoes_id IS NULL THEN 'import' ELSE 'undo' END,
    reason = {code_of("old_reason")},
    reason_params = CASE WHEN old_reason IN ({", ".join(map(quoted, CODES))}) THEN '{{}}'
                         ELSE jsonb_build_object('text', old_reason) END,
    affected_count = (
        SELECT coalesce(sum(coalesce((each ->> 'new')::bigint, 0) + coalesce((each ->> 'changed')::bigint, 0)
                            + coalesce((each ->> 'removed')::bigint, 0)), 0)
          FROM jsonb_array_elements(table_counts) AS each),
    result = jsonb_build_object(
        'tables', table_counts, 'merged', rows_merged, 'groups', groups,
        'effects', CASE WHEN link_summary = '' THEN '{{}}'
                        ELSE jsonb_build_object('linked', linked, 'unmatched', unmatched, 'ambiguous', ambiguous) END,
        'notices', (
            SELECT coalesce(jsonb_agg(CASE WHEN only_column IS NULL
                THEN jsonb_build_object('code', 'legacy', 'params', jsonb_build_object('text', notice))
                ELSE jsonb_build_object('code', 'unknown_columns',
                                        'params', jsonb_build_object('columns', jsonb_build_array(only_column))) END
                ORDER BY place), '[]')
              FROM jsonb_array_elements_text(notices) WITH ORDINALITY AS told (notice, place),
                   substring(notice FROM '^Left out, because unknown here: column ([^,]+)\\.$') AS only_column));
INSERT INTO import_files (run_id, position, name, size, sha256, upload)
SELECT run_id, 1, file_name, file_size, file_sha256, upload FROM import_runs WHERE undoes_id IS NULL ORDER BY run_id;
"""


class Migration(migrations.Migration):
    dependencies = [("imports", "0003_importers_and_files")]

    operations = [migrations.RunSQL(TAKE_OVER)]
