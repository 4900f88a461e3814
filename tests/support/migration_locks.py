"""Find statements of migrations that lock a large table for as long as it takes to read or write all of it."""

import re
from collections.abc import Iterable

import pytest
from django.apps import apps
from django.db import connection, connections, migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration

# Tables with a few hundred rows, or a few per person or upload. All others may have a million rows.
SMALL_TABLES = {"tracker_models", "fitness_trackers", "tracker_aliases", "auth_user", "auth_group", "saved_views"}
SMALL_TABLES |= {"auth_permission", "auth_user_user_permissions", "auth_group_permissions", "sessions", "import_runs"}
SMALL_TABLES |= {"recovery_codes"}

PACKAGES = ("axes", "django.", "django_otp", "procrastinate")

# Columns without an index that became wider, for which PostgreSQL only changes its catalogue.
WIDENED = tuple(
    f'ALTER TABLE "{table}" ALTER COLUMN "{column}" TYPE varchar({length})'
    for table, column, length in (
        ("changes", "request", 150),
        ("sign_in_events", "request", 150),
        ("medical_records", "medical_conditions", 4000),
        ("medical_records", "allergies", 4000),
        ("patient_counts", "label", 4000),
    )
)

_TABLE = r'(?:ONLY )?"?(\w+)"?'
_CREATED = re.compile(rf"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?{_TABLE}", re.IGNORECASE)
LONG_LOCKS = {
    "builds an index and blocks writes; build it CONCURRENTLY": (
        rf"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)(?:IF NOT EXISTS )?\S+ ON {_TABLE}"
    ),
    "rebuilds an index and blocks writes; do it CONCURRENTLY": rf"REINDEX (?:TABLE|INDEX) {_TABLE}",
    "reads the whole table to check it; add it NOT VALID, and validate it in a later migration": (
        rf"ALTER TABLE {_TABLE} .*ADD CONSTRAINT \S+ (?:CHECK|FOREIGN KEY)(?!.* NOT VALID)"
    ),
    "builds an index and blocks reads; build it CONCURRENTLY, and add the constraint USING INDEX": (
        rf"ALTER TABLE {_TABLE} .*ADD CONSTRAINT \S+ (?:UNIQUE|PRIMARY KEY|EXCLUDE)(?! USING INDEX)"
    ),
    "reads the whole table and blocks reads; add a valid CHECK (… IS NOT NULL) first": (
        rf"ALTER TABLE {_TABLE} .*ALTER COLUMN \S+ SET NOT NULL"
    ),
    "rewrites the whole table and blocks reads; fill a new column in batches": (
        rf"ALTER TABLE {_TABLE} .*(?:ALTER COLUMN \S+ TYPE|SET LOGGED|SET UNLOGGED"
        r"|ADD COLUMN .*(?:STORED|IDENTITY|DEFAULT \(?(?:gen_random_uuid|random|clock_timestamp|nextval)))"
    ),
    "writes every row in one transaction; do it in batches": rf"(?:^|;) *(?:UPDATE|DELETE FROM) {_TABLE}",
    "blocks everything": rf"(?:^|;) *(?:CLUSTER|VACUUM FULL|LOCK TABLE|TRUNCATE(?: TABLE)?) {_TABLE}",
}


def long_locks(statements: Iterable[str]) -> list[str]:
    """Return a sentence for each statement that locks a table which existed before and may be large."""
    free = set(SMALL_TABLES)
    found = []
    for statement in statements:
        text = " ".join(statement.split())
        if text.startswith(WIDENED):
            continue
        free.update(_CREATED.findall(text))
        for problem, pattern in LONG_LOCKS.items():
            found += [
                f"{table}: {problem}"
                for table in re.findall(pattern, _outside_bodies(text), re.IGNORECASE)
                if table not in free
            ]
    return found


def _outside_bodies(text: str) -> str:
    """Return the text without the bodies of functions, which a migration does not run."""
    return re.sub(r"\$(\w*)\$.*?\$\1\$", "", text)


def own_migrations() -> list[Migration]:
    ours = {config.label for config in apps.get_app_configs() if not config.name.startswith(PACKAGES)}
    loader = MigrationLoader(None)
    return [migration for (app, _), migration in sorted(loader.disk_migrations.items()) if app in ours]


def statements_of(migration: Migration) -> list[str]:
    loader = MigrationLoader(connection)
    state = loader.project_state((migration.app_label, migration.name), at_end=False)
    with pytest.MonkeyPatch.context() as patch, connection.schema_editor(collect_sql=True, atomic=False) as editor:
        # Nothing is run, so the transaction of the test does no harm. (Setting it on the proxy would have no effect.)
        patch.setattr(connections["default"], "in_atomic_block", False)
        migration.apply(state, editor, collect_sql=True)
    return [line for line in editor.collected_sql if not line.startswith("--")]


def runs_python(migration: Migration) -> bool:
    return any(isinstance(operation, migrations.RunPython) for operation in migration.operations)
