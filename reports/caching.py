"""Keeps what the reports count until a change of the data that they are made of is committed."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.core.cache import caches
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

MOST_CHANGES = 1000
QUICK_SECONDS = 0.05
PATIENCE = 100

# The rows that this session sees: a change that is committed late is a row that was not there before, wherever its
# place in the order.
_STATE = "SELECT count(*), md5(string_agg(change_id::text, ',' ORDER BY change_id)) FROM report_changes"
# A row takes the place of those that go, for what is left must not be what was there before one of them.
_PRUNE = "WITH gone AS (DELETE FROM report_changes) INSERT INTO report_changes DEFAULT VALUES"

Answer = TypeVar("Answer")


def cached(key: str, parameters: object, count: Callable[[], Answer]) -> Answer:
    """Return what was counted for this key and these parameters, if nothing has changed since; otherwise count."""
    state = _state()
    # A digest, for the parameters may hold a patient's words.
    digest = hashlib.sha256(repr((key, parameters, state)).encode()).hexdigest()
    answers = caches["reports"]
    answer: Answer | None = answers.get(digest)
    if answer is None:
        answer = count()
        # Of what was changed while it was counted, the answer may hold one part and lack another.
        if _state() == state:
            answers.set(digest, answer)
    return answer


@dataclass(frozen=True)
class Count(Generic[Answer]):
    answer: Answer
    state: str | None
    at: datetime
    seconds: float

    def is_fresh(self, state: str | None) -> bool:
        """Return whether nothing has changed, or counting took so long that a short age does not matter."""
        age = (timezone.now() - self.at).total_seconds()
        return state == self.state or (self.seconds > QUICK_SECONDS and age < PATIENCE * self.seconds)


def cached_stale(key: str, count: Callable[[], Answer]) -> Count[Answer]:
    """Return what was counted last, and when, even if the data changed a moment ago: for a page that must be quick."""
    last: Count[Answer] | None = caches["reports"].get(key)
    state, at = _state(), timezone.now()
    if last is None or not last.is_fresh(state):
        last = Count(count(), state, at, (timezone.now() - at).total_seconds())
        caches["reports"].set(key, last)
    return last


def _state() -> str | None:
    with connection.cursor() as cursor:
        changes, state = _seen(cursor)
        if changes > MOST_CHANGES:
            cursor.execute(_PRUNE)
            _, state = _seen(cursor)
    return state


def _seen(cursor: CursorWrapper) -> tuple[int, str | None]:
    cursor.execute(_STATE)
    changes, state = cursor.fetchone()
    return changes, state
