"""How long a page may keep the database busy; imports, migrations and other commands take what they need."""

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

OF_A_PAGE = {
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}
_SET = f"SELECT {', '.join(['set_config(%s, %s, false)'] * len(OF_A_PAGE))}"


def limit_pages() -> None:
    """From here on, in this process."""
    connection_created.connect(_limit, dispatch_uid=__name__)


def _limit(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SET, [part for limit in OF_A_PAGE.items() for part in limit])
