"""Limit how long a page may keep the database busy; imports, migrations and commands have no limit."""

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

PAGE_TIMEOUTS = {
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}
_SET_TIMEOUTS = f"SELECT {', '.join(['set_config(%s, %s, false)'] * len(PAGE_TIMEOUTS))}"


def set_page_timeouts() -> None:
    """Set the statement timeout and the others on each database connection that this process opens from now on."""
    connection_created.connect(_set_timeouts, dispatch_uid=__name__)


def _set_timeouts(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SET_TIMEOUTS, [part for timeout in PAGE_TIMEOUTS.items() for part in timeout])
