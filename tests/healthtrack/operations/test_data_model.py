import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from healthtrack.operations import data_model


@pytest.fixture(scope="module")
def page() -> str:
    return data_model.render_page(data_model.own_models())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder to write into, in place of the project's own, with the same models."""
    models = data_model.own_models()
    monkeypatch.setattr(data_model, "own_models", lambda: models)
    monkeypatch.setattr(settings, "BASE_DIR", tmp_path)
    return tmp_path


def section(page: str, table: str) -> str:
    return page.partition(f"\n## {table}\n")[2].partition("\n## ")[0]


def test_only_tables_of_the_project_are_described() -> None:
    tables = {model._meta.db_table for model in data_model.own_models()}
    assert {"tracker_models", "fitness_trackers", "medical_records"} <= tables
    assert not {"auth_user", "django_session"} & tables


def test_it_needs_no_database(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        pytest.fail("It connected to the database.")

    monkeypatch.setattr(connection, "ensure_connection", refuse)
    assert data_model.render_page(data_model.own_models()) == page


@pytest.mark.django_db
def test_columns_types_and_comments_are_those_of_the_database(page: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum)
              FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
             WHERE relname = ANY (%s) AND attnum > 0 AND NOT attisdropped
            """,
            [[model._meta.db_table for model in data_model.own_models()]],
        )
        columns = cursor.fetchall()
    assert columns
    for table, column, declared, not_null, comment in columns:
        found = re.search(rf"^\| `{column}` \| `([^`]+)` \| (\w+) \| .*? \| (.*) \|$", section(page, table), re.M)
        assert found, (table, column)
        shown = found[1].partition(" collate ")[0].replace(", ", ",")
        assert shown == declared.replace("character varying", "varchar")
        assert (found[2], found[3]) == ("no" if not_null else "yes", comment or "")


@pytest.mark.django_db
def test_all_constraints_indexes_and_triggers_of_the_database_are_named(page: str) -> None:
    named_by_us = """
        SELECT relname, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
         WHERE contype = 'c' AND conname !~ '_check\\d*$' AND relname = ANY (%(tables)s)
        UNION
        SELECT tablename, indexname FROM pg_indexes
         WHERE indexname !~ '(_pkey|_[0-9a-f]{8}(_like|_uniq)?)$' AND tablename = ANY (%(tables)s)
    """
    with connection.cursor() as cursor:
        cursor.execute(named_by_us, {"tables": [model._meta.db_table for model in data_model.own_models()]})
        for table, name in cursor.fetchall():
            assert f"`{name}`" in section(page, table)
    assert "| `links_truncated` | `after truncate for each statement` |" in page


def test_the_composite_key_is_marked_on_both_its_columns(page: str) -> None:
    entity = page.partition("    medical_record_and_trackers {\n")[2].partition("    }\n")[0]
    assert 'varchar(50) patient_id PK, FK "' in entity
    assert 'integer model_id PK, FK "' in entity
    assert "| primary key | `(patient_id, model_id)` |" in section(page, "medical_record_and_trackers")


def test_the_diagram_is_valid_mermaid(page: str) -> None:
    lines = page.partition("```mermaid\nerDiagram\n")[2].partition("```")[0].splitlines()
    grammar = re.compile(
        r"""    \w+ (\|\||\|o)--(o\{|o\|) \w+ : "\w+"
          |     \w+ \{
          |         [a-z][\w()\[\]]* \w+( (PK|FK|UK)(, (FK|UK))*)? "[^"]*"
          |     \}""".replace("\n          | ", "|")
    )
    assert len(lines) > 20
    assert [line for line in lines if not grammar.fullmatch(line)] == []


def test_every_foreign_key_is_drawn(page: str) -> None:
    assert '    tracker_models ||--o{ fitness_trackers : "model_id"\n' in page
    assert '    medical_records ||--o{ medical_record_and_trackers : "patient_id"\n' in page


def test_the_check_accepts_the_page_that_the_command_writes(project: Path, page: str) -> None:
    call_command("data_model")
    assert (project / "docs" / "data-model.md").read_text(encoding="utf-8") == page
    call_command("data_model", check=True)


def test_a_missing_or_stale_page_fails_the_check_and_is_not_changed(project: Path) -> None:
    with pytest.raises(CommandError, match="not up to date"):
        call_command("data_model", check=True)
    call_command("data_model")
    file = project / "docs" / "data-model.md"
    file.write_text("older", encoding="utf-8")
    with pytest.raises(CommandError, match="not up to date"):
        call_command("data_model", check=True)
    assert file.read_text(encoding="utf-8") == "older"
