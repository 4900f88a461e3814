"""The cache of the reports' counts. A count is used until a change to the underlying data is committed."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from django.core.cache import caches
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from healthtrack.core.replicas.routing import is_reading_primary, reading

MAX_CHANGES = 1000
QUICK_SECONDS = 0.05
PATIENCE = 100
MAX_WAIT_SECONDS = 10  # for the same count by somebody else, who may not finish it

# All rows that this session sees, and not only the newest: a change that is committed late adds a row that may sort
# before others.
_STATE = "SELECT count(*), md5(string_agg(change_id::text, ',' ORDER BY change_id)) FROM report_changes"
# A new row replaces those that are deleted, so that the state is different from every state before.
_PRUNE = "WITH gone AS (DELETE FROM report_changes) INSERT INTO report_changes DEFAULT VALUES"

Answer = TypeVar("Answer")

_locks: WeakValueDictionary[str, Lock] = WeakValueDictionary()  # of the counts that go on now
_locks_lock = Lock()


def cached(key: str, parameters: object, count: Callable[[], Answer], state: str | None) -> Answer:
    """Return the cached result for this key and these parameters if no data changed since; otherwise count again.

    Of people who ask for the same result at once, one counts, and the others wait for it. `state` is what `read_state`
    returned before, for this page.
    """
    digest = _digest(key, parameters, state)
    answers = caches["reports"]
    answer: Answer | None = answers.get(digest)
    if answer is None:
        with _waiting_for_others(digest):
            answer = answers.get(digest)
            if answer is None:
                answer = count()
                # If data changed during the count, the result may include only a part of the change.
                if read_state() == state:
                    answers.set(digest, answer)
    return answer


@contextmanager
def _waiting_for_others(digest: str) -> Iterator[None]:
    """Begin the block when no other thread of this process is in it for the same result, or after a while."""
    with _locks_lock:
        lock = _locks.setdefault(digest, Lock())
    is_acquired = lock.acquire(timeout=MAX_WAIT_SECONDS)
    try:
        yield
    finally:
        if is_acquired:
            lock.release()


@dataclass(frozen=True)
class Count(Generic[Answer]):
    """A result, the state of the data and the time when it was counted, and how many seconds that took."""

    answer: Answer
    state: str | None
    at: datetime
    seconds: float

    def is_fresh(self, state: str | None) -> bool:
        """Return whether no data has changed, or the count is recent compared with how long it took."""
        age = (timezone.now() - self.at).total_seconds()
        return state == self.state or (self.seconds > QUICK_SECONDS and age < PATIENCE * self.seconds)


def cached_stale(key: object, count: Callable[[], Answer], state: str | None) -> Count[Answer]:
    """Return a cached result that may be slightly out of date, for a page that must be quick.

    `state` is what `read_state` returned before. Equal keys have equal texts (`repr`).
    """
    digest = _digest(key)
    last: Count[Answer] | None = caches["reports"].get(digest)
    at = timezone.now()
    if last is None or not last.is_fresh(state):
        last = Count(count(), state, at, (timezone.now() - at).total_seconds())
        caches["reports"].set(digest, last)
    return last


def read_state() -> str | None:
    """Return a digest that differs for every committed state of the data; prune the table of changes if it is long."""
    with reading().cursor() as cursor:
        changes, state = _read_state(cursor)
        if changes > MAX_CHANGES and is_reading_primary():
            cursor.execute(_PRUNE)
            _, state = _read_state(cursor)
    return state


def _digest(*parts: object) -> str:
    """Return a key of the cache: a digest, because the parts may contain something about a patient."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _read_state(cursor: CursorWrapper) -> tuple[int, str | None]:
    cursor.execute(_STATE)
    changes, state = cursor.fetchone()
    return changes, state
