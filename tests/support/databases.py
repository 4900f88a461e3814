"""The databases of the tests: migrated once per run, and emptied after each test that commits."""

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, transaction

from tests.support.embedded_roles import SUPERUSER, prepare_roles, uses_embedded_server

TEMPLATE = "test_healthtrack_template"
TEMPLATE_LOCK = 0x48540001
CODE = ("healthtrack", "patients", "readings", "reports", "trackers")
ADDRESS = ("host", "port", "user", "password", "dbname")

# Tables that the migrations fill, referenced tables last.
FILLED_BY_MIGRATIONS = tuple(
    model._meta.db_table for model in (Group.permissions.through, Group, Permission, ContentType)
)


# Tables that a migration fills and no test changes.
CONSTANT = {"metrics"}


class Database:
    """A database, used through connections other than Django's."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params

    @property
    def url(self) -> str:
        parts = {name: str(self.params[name]) for name in ("host", "port") if self.params.get(name)}
        user, password = (quote(str(self.params.get(name) or ""), safe="") for name in ("user", "password"))
        return f"postgresql://{user}:{password}@/{self.params['dbname']}?{urlencode(parts, quote_via=quote)}"

    def as_superuser(self) -> "Database":
        """Return the same database through a role that may create roles and become any of them."""
        if not uses_embedded_server():
            return self
        prepare_roles(self.params["host"])
        return Database({**self.params, "user": SUPERUSER})

    def session(self, **options: Any) -> psycopg.Connection:
        return psycopg.connect(**self.params, **options)

    def ask(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self.session(autocommit=True) as session:
            cursor = session.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    def count(self, table: str) -> int:
        return int(self.ask(f"SELECT count(*) FROM {table}")[0][0])


def database_of_the_tests() -> Database:
    """Return the database that Django is connected to."""
    return Database({name: value for name, value in connection.get_connection_params().items() if name in ADDRESS})


def beside_the_tests(name: str) -> Database:
    """Return another database on the server of the tests."""
    return Database({**database_of_the_tests().params, "dbname": name})


@contextmanager
def temporary_database(template: str = "template1", owner: str = "") -> Iterator[Database]:
    """Create a database on the server of the tests, empty or as a copy of the template, and drop it at the end."""
    server, name = beside_the_tests("postgres").as_superuser(), f"test_{uuid.uuid4().hex}"
    database = beside_the_tests(name)
    server.ask(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {owner or database.params['user']}")
    yield database
    server.ask(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def migrated_template() -> Iterator[str]:
    """Return the name of a template database with all migrations applied.

    The first process that needs it creates it, unless one from the same code is left from an earlier run.
    While a process is in this context, no other run replaces it.
    """
    if uses_embedded_server():
        prepare_roles(beside_the_tests("postgres").params["host"])
    with beside_the_tests("postgres").session(autocommit=True) as session:
        if session.execute("SELECT pg_try_advisory_lock(%s)", [TEMPLATE_LOCK]).fetchone() == (True,):
            _bring_up_to_date(session)
            session.execute("SELECT pg_advisory_lock_shared(%s)", [TEMPLATE_LOCK])
            session.execute("SELECT pg_advisory_unlock(%s)", [TEMPLATE_LOCK])
        else:
            session.execute("SELECT pg_advisory_lock_shared(%s)", [TEMPLATE_LOCK])
        yield TEMPLATE


def _bring_up_to_date(session: psycopg.Connection) -> None:
    code = _hash_of_code()
    known = session.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [TEMPLATE]
    ).fetchone()
    if known != (code,):
        _migrate(TEMPLATE)
        session.execute(f"COMMENT ON DATABASE {TEMPLATE} IS '{code}'")


def _hash_of_code() -> str:
    root = Path(settings.BASE_DIR)
    files = sorted(file for folder in CODE for file in (root / folder).rglob("*.py"))
    hashed = hashlib.sha256((root / "requirements" / "runtime.txt").read_bytes())
    for file in files:
        hashed.update(file.read_bytes())
    return hashed.hexdigest()


def _migrate(name: str) -> None:
    own, test = connection.settings_dict["NAME"], connection.settings_dict["TEST"]
    before, test["NAME"] = test["NAME"], name
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    finally:
        connection.creation.destroy_test_db(
            own, verbosity=0, keepdb=True
        )  # disconnects, but does not drop the database
        test["NAME"] = before


class Emptier:
    """Delete every row, except those of the migrations, after a test that commits.

    DELETE with triggers and foreign keys switched off is many times faster than TRUNCATE of some fifty tables, most of
    which are empty, after which all permissions and roles would have to be created again.
    """

    def __init__(self) -> None:
        tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        self.tables = [table for table in tables if table not in {*FILLED_BY_MIGRATIONS, *CONSTANT}]
        self.migrated_rows = self._hash_migrated_rows()
        self.empty()  # of the history of the migrated rows

    def empty(self) -> None:
        _delete_from(self.tables)
        if self._hash_migrated_rows() != self.migrated_rows:
            _delete_from(FILLED_BY_MIGRATIONS)
            emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias)
            self.migrated_rows = self._hash_migrated_rows()

    def _hash_migrated_rows(self) -> str:
        tables = " UNION ALL ".join(f"SELECT {table}::text AS line FROM {table}" for table in FILLED_BY_MIGRATIONS)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT md5(string_agg(line, ';' ORDER BY line)) FROM ({tables}) AS lines")
            return str(cursor.fetchone()[0])


def _delete_from(tables: Sequence[str]) -> None:
    deletes = ";".join(f'DELETE FROM "{table}"' for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN; SET LOCAL session_replication_role = replica; {deletes}; COMMIT")


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back at the end what the block has written."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def connected_to(name: str) -> Iterator[None]:
    """Connect Django to another database during the block."""
    with _connected_with(NAME=name):
        yield


@contextmanager
def connected_as_superuser() -> Iterator[None]:
    """Connect Django as a superuser during the block."""
    with _connected_with(USER=database_of_the_tests().as_superuser().params["user"]):
        yield


@contextmanager
def _connected_with(**settings: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        connection.close()
        for name, value in settings.items():
            patch.setitem(connection.settings_dict, name, value)
        try:
            yield
        finally:
            connection.close()
