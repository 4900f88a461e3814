from django.db import migrations

# The sentences of commit 1fb8805. Others, of whatever version, stay readable as they are.
CODES = {
    "It was changed since.": "changed_since",
    "Something that came since refers to it.": "in_use",
    "What it belongs to stays.": "kept_with_owner",
    "It was deleted since.": "deleted_since",
    "Another one is in its place, or what it refers to is not there any more.": "no_room",
}
CASES = " ".join(f"WHEN '{sentence}' THEN '{code}'" for sentence, code in CODES.items())
KNOWN = ", ".join(f"'{sentence}'" for sentence in CODES)
DONE = ", ".join(f"'{code}'" for code in (*CODES.values(), "legacy"))

# In steps that each end their transaction: an undo may have left very many rows.
TAKE_OVER = f"""
DO $$
DECLARE
    earliest bigint; latest bigint;
BEGIN
    SELECT min(conflict_id), max(conflict_id) INTO earliest, latest FROM undo_conflicts;
    FOR start IN coalesce(earliest, 1) .. coalesce(latest, 0) BY 10000 LOOP
        UPDATE undo_conflicts
           SET reason = CASE reason {CASES} ELSE 'legacy' END,
               reason_params = CASE WHEN reason IN ({KNOWN}) THEN '{{}}' ELSE jsonb_build_object('text', reason) END
         WHERE conflict_id BETWEEN start AND start + 9999 AND reason NOT IN ({DONE});
        COMMIT;
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("imports", "0004_codes_for_runs")]

    operations = [migrations.RunSQL(TAKE_OVER)]
