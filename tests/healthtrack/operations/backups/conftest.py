import hashlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection

from healthtrack.operations.backups import keys
from tests.support import factories
from tests.support.serving import Database

SHAPES = (
    # Not the words of a check, which PostgreSQL puts in another order when it reads them.
    (
        "SELECT conname, CASE contype WHEN 'c' THEN '' ELSE pg_get_constraintdef(oid) END FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace"
    ),
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT relname, objsubid, description FROM pg_description JOIN pg_class ON oid = objoid AND relkind IN ('r', 'v')",
    "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
)
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"

ADDRESS = ("host", "port", "user", "password", "dbname")

Use = Callable[[], Any]


@pytest.fixture
def key(tmp_path: Path, settings: LazySettings) -> Path:
    """The file of a secret key, for whose holder backups are made."""
    file = tmp_path / "key"
    settings.BACKUP_RECIPIENTS = [keys.make(file)]
    return file


@pytest.fixture
def patients(transactional_db: None) -> None:
    model = factories.tracker_model()
    factories.variant(model)
    for number in range(50):
        factories.medical_record(f"P{number}", name=f"Zoë 'Ada'\t{number}", tracker=model.model_name)


@pytest.fixture
def backup(key: Path, patients: None, tmp_path: Path) -> Path:
    file = tmp_path / "healthtrack.backup"
    call_command("backup", file, stdout=StringIO())
    return file


@pytest.fixture
def empty_database(transactional_db: None) -> Iterator[Use]:
    """Leads the connection to another database, which is empty at first, for as long as it is used."""
    name = f"restored_{uuid.uuid4().hex}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield lambda: connected_to(name)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def connected_to(name: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        connection.close()
        patch.setitem(connection.settings_dict, "NAME", name)
        try:
            yield
        finally:
            connection.close()


def contents() -> dict[str, str]:
    """A hash of each table's rows, and of what keeps them in order."""
    database = reached()
    tables = [name for (name,) in database.ask(TABLES)]
    asked = {table: f"SELECT t::text FROM {table} AS t" for table in tables} | {shape: shape for shape in SHAPES}
    return {name: hashlib.sha256(repr(sorted(database.ask(sql))).encode()).hexdigest() for name, sql in asked.items()}


def reached() -> Database:
    """The database that the connection leads to, over other connections."""
    return Database({name: value for name, value in connection.get_connection_params().items() if name in ADDRESS})
