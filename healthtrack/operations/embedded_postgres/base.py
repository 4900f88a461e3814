"""Django's PostgreSQL backend; before it connects, it starts the server if that does not run yet."""

import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base, client
from psycopg import Connection

from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError

if sys.platform == "win32":
    raise EmbeddedPostgresError(
        "HealthTrack's own PostgreSQL does not run on Windows: set DATABASE_URL to a PostgreSQL database."
    )

from healthtrack.operations.embedded_postgres import binaries, server, sockets


def connection_address(place: Path) -> dict[str, str]:
    """Return the connection parameters of the socket in this folder."""
    return {"host": str(place), "port": str(sockets.PORT)}


class DatabaseClient(client.DatabaseClient):
    """The shell of `manage.py dbshell`, connected to the embedded server."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        place = connection_address(server.ensure_running(settings.HEALTHTRACK_DATA_DIR))
        located = {name.upper(): value for name, value in place.items()}
        (_, *arguments), environment = super().settings_to_cmd_args_env(settings_dict | located, parameters)
        psql = binaries.find(settings.HEALTHTRACK_DATA_DIR) / cls.executable_name
        return [str(psql) if psql.exists() else cls.executable_name, *arguments], environment


class DatabaseWrapper(base.DatabaseWrapper):
    """Connections to the embedded server."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        return params | connection_address(server.ensure_running(settings.HEALTHTRACK_DATA_DIR))

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection[Any]:
        try:
            return self._connect(conn_params)
        except self.Database.OperationalError:
            # Somebody killed the server since we looked, or it is recovering from that.
            place = server.revive(settings.HEALTHTRACK_DATA_DIR)
            return self._connect(conn_params | connection_address(place))

    def _connect(self, params: dict[str, Any]) -> Connection[Any]:
        connection: Connection[Any] = super().get_new_connection(params)
        return connection

    def _nodb_cursor(self) -> AbstractContextManager[Any]:
        # Start the server outside of super(): Django takes any error in there for a missing database "postgres".
        server.ensure_running(settings.HEALTHTRACK_DATA_DIR)
        cursor: AbstractContextManager[Any] = super()._nodb_cursor()
        return cursor
