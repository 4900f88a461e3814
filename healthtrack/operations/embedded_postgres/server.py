"""For clients: find the running server or start it, and keep it running until this process ends."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from django.conf import settings
from psycopg import pq

from healthtrack.operations.embedded_postgres import binaries, locks, sockets
from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError
from healthtrack.operations.embedded_postgres.folder import (
    BUSY,
    READY,
    ServerFolder,
    major_versions_of_clusters,
    of_major_version,
)
from healthtrack.operations.embedded_postgres.roles import DATABASE, USER

__all__ = ["EmbeddedPostgresError", "ensure_running", "revive"]

GRACE_SECONDS = 15.0
TIMEOUT_SECONDS = 180.0
PROJECT = Path(__file__).parents[3]


class _Process:
    """The locks that this process holds."""

    def __init__(self) -> None:
        self.client_locks: dict[Path, int] = {}
        self.reset_thread_lock()

    def reset_thread_lock(self) -> None:
        # A fork copies a lock that another thread holds, but not the thread that would release it.
        # The client locks stay: a forked process shares them with its parent, and holds them after the parent ends.
        self.thread_lock = threading.RLock()


_process = _Process()
os.register_at_fork(after_in_child=_process.reset_thread_lock)


def ensure_running(data_folder: Path, grace_seconds: float = GRACE_SECONDS) -> Path:
    """Return the folder of the server's socket; the server will not stop by itself while this process lives."""
    with _process.thread_lock:
        home = _home(data_folder)
        _hold_client_lock(home)
        return _running_place(home) or _start_or_wait(home, grace_seconds)


def revive(data_folder: Path, grace_seconds: float = GRACE_SECONDS) -> Path:
    """Return the folder of the socket after a connection was refused: wait for a recovery, or restart a dead server."""
    with _process.thread_lock:
        home = _home(data_folder)
        _hold_client_lock(home)
        return _start_or_wait(home, grace_seconds)


def _home(data_folder: Path) -> ServerFolder:
    """Return the folder of the server: the only one, if it runs; otherwise, that for which there are programs."""
    majors = major_versions_of_clusters(data_folder)
    if len(majors) == 1 and not settings.HEALTHTRACK_PG_BIN:
        home = of_major_version(data_folder, majors[0])
        if locks.is_held(home.keeper_lock):
            return home  # without starting the programs to learn their versions, which takes 50 ms
    return of_major_version(data_folder, binaries.major_version(binaries.find(data_folder)))


def _hold_client_lock(home: ServerFolder) -> None:
    held = _process.client_locks.get(home.root)
    if held is not None and _is_open(held, home.clients_lock):
        return
    home.prepare()
    descriptor = locks.open_private(home.clients_lock)
    locks.acquire_shared(descriptor)  # waits while a keeper stops its server
    _process.client_locks[home.root] = descriptor


def _is_open(descriptor: int, file: Path) -> bool:
    """Return False if this process has closed all its files, as daemons do, or somebody has deleted the data folder."""
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except OSError:
        return False


def _running_place(home: ServerFolder) -> Path | None:
    postmaster = home.postmaster()
    if postmaster is None or postmaster.state != READY or not locks.is_held(home.keeper_lock):
        return None
    place = postmaster.socket_folder
    # After a restart of the machine, the file may be stale, and the folder that it names may be another user's.
    if not sockets.is_private(place, home.root.stat()) or sockets.listener_pid(place) is None:
        return None
    return place


def _start_or_wait(home: ServerFolder, grace_seconds: float) -> Path:
    start_lock = locks.open_private(home.start_lock)
    try:
        locks.acquire(start_lock)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            place = _running_place(home)
            if place and _answers(place):
                return place
            if locks.is_held(home.keeper_lock):
                time.sleep(0.02)  # it is starting, recovering or stopping
            else:
                _start_keeper(home, grace_seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        os.close(start_lock)
    raise EmbeddedPostgresError(
        f"PostgreSQL did not start within {TIMEOUT_SECONDS:.0f} seconds. Try again later; "
        f"{home.server_log} says what it does."
    )


def _answers(place: Path) -> bool:
    address = f"host='{_escaped(place)}' port={sockets.PORT} user={USER} dbname={DATABASE} connect_timeout=5"
    return pq.PGconn.ping(address.encode()) == pq.Ping.OK


def _escaped(place: Path) -> str:
    return str(place).replace("\\", "\\\\").replace("'", "\\'")


def _start_keeper(home: ServerFolder, grace_seconds: float) -> None:
    module = "healthtrack.operations.embedded_postgres.keeper"
    path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
    log = locks.open_private(home.keeper_log, os.O_TRUNC)
    try:
        launched = subprocess.run(  # noqa: S603 (a fixed program, without a shell)
            [sys.executable, "-m", module, home.root, binaries.find(home.root.parent), str(grace_seconds)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=home.root,
            env=os.environ | {"PYTHONPATH": path},
            start_new_session=True,  # so that Ctrl-C in the terminal does not stop it
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    finally:
        os.close(log)
    report = launched.stdout.decode(errors="replace")
    if report not in {READY, BUSY}:
        raise EmbeddedPostgresError(report or f"The keeper of PostgreSQL failed. {home.keeper_log} says why.")
