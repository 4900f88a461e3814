"""Check the configuration. Django runs these checks at the start of a command, and `check --deploy` all of them."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import DEFAULT_DB_ALIAS, connection

from healthtrack.operations.postgresql_releases import describe_if_outdated

MAX_REASONS = 3
_REMEDY = (
    "Give the web server and the worker a database role of their own. As the role that owns the tables, run"
    " `manage.py migrate` and `manage.py database_roles --app ROLE --apply`. Then use ROLE in their DATABASE_URL, and"
    " the owner only for migrations, backups and keep_access_log. See “Two database roles” in docs/operations.md."
)


@checks.register
def check_renamed_variables(**_: Any) -> list[checks.CheckMessage]:
    """Warn about environment variables that are set under an old name, which the next release no longer reads."""
    return [
        checks.Warning(
            f"The environment variable {old} has a new name, {new}.",
            hint=f"Set {new} instead: the next release no longer reads {old}.",
            id="healthtrack.W001",
        )
        for old, new in settings.ENVIRONMENT.renamed
    ]


@checks.register(checks.Tags.database, deploy=True)
def check_role_cannot_rewrite_history(*, databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """Return an error if the database role could change, delete or bypass the history and the access log."""
    from healthtrack.operations import history_rights  # noqa: PLC0415  (every process registers this check, and few run it)

    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    ways = history_rights.ways_to_rewrite_history()
    if not ways:
        return []
    listed = "; ".join(ways[:MAX_REASONS]) + (f"; and {len(ways) - MAX_REASONS} more" * (len(ways) > MAX_REASONS))
    return [
        checks.Error(
            f"The database role {history_rights.role_of_session()} can change the history or access log: it {listed}.",
            hint=_REMEDY,
            id="healthtrack.E001",
        )
    ]


@checks.register(checks.Tags.database, deploy=True)
def check_keys_of_apps(*, databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """Return a warning if keys of authenticator apps are not encrypted, and one if some cannot be decrypted."""
    from healthtrack.accounts.sign_in import key_rotation  # noqa: PLC0415  (needs the models, and few processes run it)

    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    return [checks.Warning(sentence, id="healthtrack.W003") for sentence in key_rotation.describe_problems()]


@checks.register(checks.Tags.database, deploy=True)
def check_postgresql_has_security_fixes(
    *, databases: Sequence[str] | None = None, **_: Any
) -> list[checks.CheckMessage]:
    """Return a warning if the server's minor release lacks security fixes."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    sentence = describe_if_outdated(connection.pg_version)  # type: ignore[attr-defined]  # of the PostgreSQL backend
    return [checks.Warning(sentence, id="healthtrack.W002")] if sentence else []
