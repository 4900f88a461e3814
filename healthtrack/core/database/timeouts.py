"""Limit how long a page may keep the database busy; imports, migrations and commands have no limit."""

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from healthtrack.core.database.pooling import is_pooled
from healthtrack.core.database.transaction_settings import Setting

PAGE_TIMEOUTS = {
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}
_SET_TIMEOUTS = f"SELECT {', '.join(['set_config(%s, %s, false)'] * len(PAGE_TIMEOUTS))}"


def set_page_timeouts() -> None:
    """Set the statement timeout and the others on each database connection that this process opens from now on."""
    connection_created.connect(_set_timeouts, dispatch_uid=__name__)


def get_transaction_settings(database: BaseDatabaseWrapper) -> tuple[Setting, ...]:
    """Return the timeouts for each transaction of a pooled connection: only the web server has such connections."""
    return tuple(PAGE_TIMEOUTS.items()) if is_pooled(database) else ()


def _set_timeouts(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    if is_pooled(connection):
        return
    with connection.cursor() as cursor:
        cursor.execute(_SET_TIMEOUTS, [part for timeout in PAGE_TIMEOUTS.items() for part in timeout])
