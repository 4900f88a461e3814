"""Connections through a pool in transaction mode, such as that of pgbouncer.

Each transaction may run in another session of the server, and other people use that session afterwards. So a pooled
connection sets nothing for its session: `transaction_settings` sets the same for each transaction.
"""

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

POOLED = "POOLED"  # a key in the settings of a database
DIRECT = "direct"


def use_pool() -> None:
    """Let the connections that this process opens from now on go through the pool, if there is one.

    Only the web server does. The worker, commands and migrations need sessions of their own: for locks of runs, for
    notifications and for statements without a time limit.
    """
    if settings.POOLED_DATABASE:
        connections[DEFAULT_DB_ALIAS].settings_dict.update(settings.POOLED_DATABASE, **{POOLED: True})


def is_pooled(database: BaseDatabaseWrapper) -> bool:
    """Return whether this connection goes through a pool."""
    return bool(database.settings_dict.get(POOLED))


def get_direct_alias() -> str:
    """Return the alias of connections to the primary that go through no pool."""
    return DIRECT if settings.POOLED_DATABASE else DEFAULT_DB_ALIAS
