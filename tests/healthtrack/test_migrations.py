"""An update of HealthTrack locks a table of a million rows only for a moment."""

import pytest
from django.db.migrations.migration import Migration

from tests.support.migration_locks import long_locks, own_migrations, runs_python, statements_of

ALL = [pytest.param(migration, id=str(migration)) for migration in own_migrations()]


@pytest.mark.django_db
@pytest.mark.parametrize("migration", ALL)
def test_no_migration_locks_a_large_table_for_long(migration: Migration) -> None:
    assert long_locks(statements_of(migration)) == []


@pytest.mark.parametrize("migration", ALL)
def test_no_migration_runs_python_which_this_test_cannot_inspect(migration: Migration) -> None:
    assert not runs_python(migration)


@pytest.mark.parametrize(
    "statement",
    [
        'CREATE INDEX "named" ON "medical_records" ("name")',
        'CREATE UNIQUE INDEX "named" ON "medical_records" (lower("name"))',
        'ALTER TABLE "medical_records" ADD CONSTRAINT "known" CHECK ("gender" = \'F\')',
        'ALTER TABLE "medical_records" ADD CONSTRAINT "fk" FOREIGN KEY ("a") REFERENCES "b" ("id") DEFERRABLE',
        'ALTER TABLE "medical_records" ADD CONSTRAINT "once" UNIQUE ("name")',
        'ALTER TABLE "medical_records" ALTER COLUMN "name" TYPE text',
        'ALTER TABLE "medical_records" ALTER COLUMN "name" SET NOT NULL',
        'ALTER TABLE "medical_records" ADD COLUMN "w" tsvector GENERATED ALWAYS AS (x) STORED',
        'ALTER TABLE "medical_records" ADD COLUMN "k" uuid DEFAULT gen_random_uuid() NOT NULL',
        'UPDATE "medical_records" SET "name" = \'\'',
        "\n  UPDATE medical_records\n SET name = ''",
        "DELETE FROM medical_record_and_trackers",
        "LOCK TABLE medical_records",
        "REINDEX TABLE medical_records",
    ],
)
def test_a_long_lock_is_found(statement: str) -> None:
    (sentence,) = long_locks([statement])
    assert sentence.startswith("medical_record")


@pytest.mark.parametrize(
    "statement",
    [
        'CREATE INDEX CONCURRENTLY "named" ON "medical_records" ("name")',
        'CREATE INDEX "named" ON "tracker_models" ("brand_name")',
        'ALTER TABLE "medical_records" ADD COLUMN "note" text NULL',
        'ALTER TABLE "medical_records" ADD COLUMN "run_id" bigint NULL CONSTRAINT "fk" REFERENCES "import_runs" ("id")',
        'ALTER TABLE "medical_records" ADD COLUMN "made_at" timestamptz DEFAULT now() NOT NULL',
        'ALTER TABLE "medical_records" ADD CONSTRAINT "known" CHECK ("gender" = \'F\') NOT VALID',
        'ALTER TABLE "medical_records" VALIDATE CONSTRAINT "known"',
        'ALTER TABLE "medical_records" ADD CONSTRAINT "once" UNIQUE USING INDEX "named"',
        'ALTER TABLE "medical_records" RENAME COLUMN "a" TO "b"',
        'CREATE TRIGGER "t" AFTER UPDATE ON "medical_records" EXECUTE FUNCTION f()',
        "CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN; UPDATE medical_records SET a = 1; END $$ LANGUAGE plpgsql",
        "COMMENT ON TABLE \"medical_records\" IS 'Those whom an UPDATE medical_records concerns'",
    ],
)
def test_a_short_lock_is_accepted(statement: str) -> None:
    assert long_locks([statement]) == []


def test_a_table_that_the_migration_creates_may_be_locked() -> None:
    statements = ['CREATE TABLE "events" ("id" bigint)', 'CREATE INDEX "i" ON "events" ("id")']
    assert long_locks(statements) == []
    assert long_locks(statements[1:]) != []
