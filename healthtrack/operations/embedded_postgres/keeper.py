"""The process that owns the server: starts it, tells its starter, and stops it when no client is left."""

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from healthtrack.operations.embedded_postgres import binaries, cluster, locks, sockets, unprivileged
from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError
from healthtrack.operations.embedded_postgres.folder import BUSY, READY, ServerFolder

TICK_SECONDS = 0.5
PATIENCE_SECONDS = 120.0
# How a server ends, from the mildest on: disconnecting its clients, at once without a checkpoint, by force.
# The first has no end when PostgreSQL 18 is amid a recovery; the second loses nothing either.
ENDINGS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, None))


class Keeper:
    def __init__(self, home: ServerFolder, programs: Path, grace_seconds: float) -> None:
        self.home = home
        self.programs = programs
        self.grace_seconds = grace_seconds
        self.clients_lock = locks.open_private(home.clients_lock)
        self.place = home.root
        self.log_begin = 0
        self.told_to_stop = False
        self.wakes, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # wakes us at once when the server dies

    def run(self) -> None:
        keeper_lock = locks.open_private(self.home.keeper_lock)
        if not locks.try_take(keeper_lock):
            _tell_starter(BUSY)
            return
        os.ftruncate(keeper_lock, 0)
        os.write(keeper_lock, f"{os.getpid()}\n".encode())  # for people; nothing relies on it
        server = self._start()
        try:
            self._await_ready(server)
            _tell_starter(READY)
            self._watch(server)
        finally:
            _end(server)
            with suppress(OSError):
                self.place.rmdir()

    def _start(self) -> subprocess.Popen[bytes]:
        server_lock = self._await_lock()
        try:
            account = unprivileged.choose(self.home.root)
            unprivileged.require_reach(account, self.programs / "postgres")
            unprivileged.require_reach(account, self.home.root.parent)
            unprivileged.give(self.home.root, account)
            programs = cluster.Programs(self.programs, account, server_lock)
            major = binaries.major_version(self.programs)
            if not self.home.cluster.exists():
                cluster.create(self.home, programs, major)
            cluster.check_version(self.home, major)
            cluster.forget_dead_server(self.home)
            self.place = sockets.choose(self.home.root)
            sockets.make_private(self.place, self.home.root.stat())
            self.log_begin = cluster.make_room_in_log(self.home)
            return programs.start(self.home, self.place)
        finally:
            os.close(server_lock)  # from here on the server's own copy holds it

    def _await_lock(self) -> int:
        server_lock = locks.open_private(self.home.server_lock)
        give_up = time.monotonic() + PATIENCE_SECONDS
        if not locks.try_take(server_lock):
            cluster.stop_unattended_server(self.home)
        while not locks.try_take(server_lock):
            if time.monotonic() > give_up:
                raise EmbeddedPostgresError(
                    f"Processes of an earlier PostgreSQL still work on {self.home.cluster}: "
                    f"try again when they have ended; {self.home.server_log} says what they do."
                )
            time.sleep(0.02)
        return server_lock

    def _await_ready(self, server: subprocess.Popen[bytes]) -> None:
        # However long a recovery takes: a server stopped amid one would begin it anew.
        while not self._is_ready(server.pid):
            if server.poll() is not None or self.told_to_stop:
                raise EmbeddedPostgresError(
                    f"PostgreSQL did not start; its log {self.home.server_log} says why, and ends with: "
                    f"{cluster.last_words(self.home, self.log_begin)}"
                )
            self._pause(0.02)

    def _is_ready(self, pid: int) -> bool:
        postmaster = self.home.postmaster()
        return postmaster is not None and postmaster.pid == pid and postmaster.state == READY

    def _watch(self, server: subprocess.Popen[bytes]) -> None:
        unused_since: float | None = None
        while server.poll() is None and not self.told_to_stop and self._folder_stands():
            if not locks.try_take(self.clients_lock):
                unused_since = None
            elif unused_since is None or time.monotonic() - unused_since < self.grace_seconds:
                locks.release(self.clients_lock)
                unused_since = unused_since or time.monotonic()
            else:
                return  # with the lock held: new clients wait until the server is down, and start another
            self._pause(TICK_SECONDS)

    def _folder_stands(self) -> bool:
        """Somebody may delete the data folder, and a new server must find its socket's place free."""
        try:
            return os.path.samestat(self.home.clients_lock.stat(), os.fstat(self.clients_lock))
        except FileNotFoundError:
            return False

    def _pause(self, seconds: float) -> None:
        if select.select([self.wakes], [], [], seconds)[0]:
            os.read(self.wakes, 512)

    def _stop(self, *_: object) -> None:
        self.told_to_stop = True


def main(root: str, programs: str, grace_seconds: str) -> None:
    if os.fork():  # the starter is not our parent, and need not wait for our end
        os._exit(0)
    try:
        Keeper(ServerFolder(Path(root)), Path(programs), float(grace_seconds)).run()
    except EmbeddedPostgresError as fault:
        _tell_starter(str(fault))


def _tell_starter(message: str) -> None:
    with suppress(BrokenPipeError):  # it may be gone, or have lost patience
        os.write(1, " ".join(message.split()).encode())
    os.dup2(2, 1)


def _end(server: subprocess.Popen[bytes]) -> None:
    for number, seconds in ENDINGS:
        if server.poll() is None:
            server.send_signal(number)
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
