"""Databases with an owner and an application role, neither of which is a superuser."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.databases import Database, temporary_database

SETTINGS_OF_ROLES = """
    SELECT setrole::regrole::text, split_part(setting, '=', 1), split_part(setting, '=', 2)
      FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase, unnest(setconfig) AS setting
     WHERE datname = %s
"""
OwnerAndProgram = tuple[Database, Database]


@contextmanager
def two_roles_of(database: Database) -> Iterator[OwnerAndProgram]:
    """Create an owner of the empty database and an application role; return the database as each of them."""
    name = database.params["dbname"]
    owner, program = (f"{role}_{name}" for role in ("owner", "app"))
    server = database.as_superuser()
    for role in (owner, program):
        server.ask(f"CREATE ROLE {role} LOGIN")
    server.ask(f"ALTER DATABASE {name} OWNER TO {owner}")
    yield Database({**database.params, "user": owner}), Database({**database.params, "user": program})
    server.ask(f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
    for role in (program, owner):
        server.ask(f"DROP OWNED BY {role} CASCADE")
        server.ask(f"DROP ROLE {role}")


@contextmanager
def copied(original: OwnerAndProgram) -> Iterator[OwnerAndProgram]:
    """Return a copy of a database as the same two roles. Nobody may be connected to the original."""
    owner, program = (database.params["user"] for database in original)
    template = original[0].params["dbname"]
    with temporary_database(template, owner) as copy:
        server, name = copy.as_superuser(), copy.params["dbname"]
        # PostgreSQL copies everything else.
        for role, setting, value in server.ask(SETTINGS_OF_ROLES, [template]):
            server.ask(f"ALTER ROLE {role} IN DATABASE {name} SET {setting} = {value}")
        yield Database({**copy.params, "user": owner}), Database({**copy.params, "user": program})
