"""The session backend: sessions in our own table, which stores whose each is. SESSION_ENGINE names this module."""

from datetime import UTC, datetime
from typing import Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError
from django.utils import timezone

from healthtrack.accounts.models import Session

BEGAN = "began"
ADDRESS = "address"
BROWSER = "browser"


class SessionStore(db.SessionStore):
    row: Session | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        self.row = super()._get_session_from_db()  # type: ignore[misc]  # private, and so not among the stubs
        return self.row

    def save(self, must_create: bool = False) -> None:
        """Save the session, and raise the database's own error if that fails.

        The base class would report a lost connection as a session that somebody has ended.
        """
        try:
            super().save(must_create)
        except UpdateError as error:
            if isinstance(error.__context__, OperationalError):
                raise error.__context__ from None
            raise

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        now = timezone.now()
        row = cast("Session", super().create_model_instance(data))
        row.user_id = data.get(SESSION_KEY)
        row.began_at = datetime.fromtimestamp(data[BEGAN], UTC) if BEGAN in data else now
        row.active_at = now
        row.address = data.get(ADDRESS)
        row.browser = data.get(BROWSER, "")
        return row
