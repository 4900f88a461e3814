"""Measure how old the data of each replica is.

A thread measures several times a second, so that choosing a replica for a request only reads memory. The age of a
replica's data is the time since the primary was last seen at a position that the replica has reached. Clocks of
different machines are not compared, and an idle primary does not make its replicas look old.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

INTERVAL_SECONDS = 0.5
VALID_SECONDS = 5.0  # a measurement that is older says nothing: the thread waits for a server that does not answer
CONNECT_SECONDS = 2
_MAX_POSITIONS = 240

# Positions are counted in bytes since the beginning of the log, so that they can be compared as numbers.
_PRIMARY = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
_REPLICA = """
    SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint,
           extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float
     WHERE pg_is_in_recovery()
"""


@dataclass(frozen=True)
class Lag:
    """What was measured of a replica: the position that it has reached, and the age of its data in seconds.

    The age is None if the replica does not answer, or is not a replica at all.
    """

    position: int = 0
    age: float | None = None
    measured_at: float = 0.0

    @property
    def is_current(self) -> bool:
        """Whether the measurement is recent enough to rely on."""
        return time.monotonic() - self.measured_at < VALID_SECONDS


class Monitor:
    """Measures the primary and these replicas, through connections of its own."""

    def __init__(self, aliases: Iterable[str]) -> None:
        self.lags = {alias: Lag() for alias in aliases}
        self._positions: deque[tuple[float, int]] = deque(maxlen=_MAX_POSITIONS)  # of the primary, with the time
        self._sessions: dict[str, psycopg.Connection[tuple[Any, ...]]] = {}
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Measure once, and go on in a thread until the process ends; do nothing if the thread runs already."""
        with self._start_lock:
            if self._thread is None or not self._thread.is_alive():
                self.measure()
                self._thread = threading.Thread(target=self._measure_on, daemon=True)
                self._thread.start()

    def measure(self) -> None:
        """Measure each replica now."""
        if row := self._query(DEFAULT_DB_ALIAS, _PRIMARY):
            self._positions.append((time.monotonic(), row[0]))
        for alias in self.lags:
            self.lags[alias] = self._measure_replica(alias)

    def mark_failed(self, alias: str) -> None:
        """Treat a replica as one that does not answer, until it is measured again."""
        self.lags[alias] = Lag(measured_at=time.monotonic())

    def _measure_on(self) -> None:
        while True:
            time.sleep(INTERVAL_SECONDS)
            self.measure()

    def _measure_replica(self, alias: str) -> Lag:
        row = self._query(alias, _REPLICA)
        now = time.monotonic()
        if row is None:
            return Lag(measured_at=now)
        position, seconds_since_transaction = row
        return Lag(position, self._compute_age(position, seconds_since_transaction, now), now)

    def _compute_age(self, position: int, seconds_since_transaction: float | None, now: float) -> float | None:
        if self._positions and position >= self._positions[-1][1]:
            return 0.0
        reached = [seen_at for seen_at, seen in self._positions if seen <= position]
        return now - reached[-1] if reached else seconds_since_transaction

    def _query(self, alias: str, statement: str) -> tuple[Any, ...] | None:
        """Return the row that the server answers; None if there is none or the server does not answer."""
        try:
            if alias not in self._sessions:
                self._sessions[alias] = _connect(alias)
            return self._sessions[alias].execute(statement).fetchone()
        except psycopg.Error:
            if session := self._sessions.pop(alias, None):
                with suppress(psycopg.Error):
                    session.close()
            return None


def _connect(alias: str) -> psycopg.Connection[tuple[Any, ...]]:
    """Return a session that gives up soon: a server that hangs must not delay the measurement of the others."""
    patience = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": CONNECT_SECONDS * 1000}
    return psycopg.connect(**_get_parameters(alias) | patience, autocommit=True, prepare_threshold=None)


def _get_parameters(alias: str) -> dict[str, Any]:
    parameters: dict[str, Any] = connections[alias].get_connection_params()
    ours = ("cursor_factory", "context", "prepare_threshold")  # Django's, for its own connections
    return {name: value for name, value in parameters.items() if name not in ours}
