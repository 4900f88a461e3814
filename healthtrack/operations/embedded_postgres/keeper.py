"""The process that owns the server: start it, report to the client that wanted it, stop it when no client is left."""

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from healthtrack.operations.embedded_postgres import authentication, binaries, cluster, locks, sockets, unprivileged
from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError
from healthtrack.operations.embedded_postgres.folder import BUSY, READY, ServerFolder

TICK_SECONDS = 0.5
TIMEOUT_SECONDS = 120.0
# How to stop a server, the gentlest way first: disconnect its clients; stop at once, without a checkpoint; kill it.
# The first never ends while PostgreSQL 18 is in recovery; the second loses no data either.
STOP_SIGNALS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, None))


class Keeper:
    """Start the server of a folder, and stop it when no client has used it for `grace_seconds`."""

    def __init__(self, home: ServerFolder, programs: Path, grace_seconds: float) -> None:
        self.home = home
        self.programs = programs
        self.grace_seconds = grace_seconds
        self.clients_lock = locks.open_private(home.clients_lock)
        self.place = home.root
        self.log_begin = 0
        self.stop_requested = False
        self.wakes, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # wakes _pause() when the server dies

    def run(self) -> None:
        """Run until the server stops; return at once if another keeper runs already."""
        keeper_lock = locks.open_private(self.home.keeper_lock)
        if not locks.try_acquire(keeper_lock):
            _report_to_client(BUSY)
            return
        os.ftruncate(keeper_lock, 0)
        os.write(keeper_lock, f"{os.getpid()}\n".encode())  # for people; no code reads it
        server = self._start()
        try:
            self._await_ready(server)
            _report_to_client(READY)
            self._watch(server)
        finally:
            _stop_server(server)
            self._remove_place()

    def _start(self) -> subprocess.Popen[bytes]:
        server_lock = self._await_lock()
        try:
            needed = {self.programs / "postgres": "HEALTHTRACK_PG_BIN", self.home.root.parent: "HEALTHTRACK_DATA_DIR"}
            account = unprivileged.choose(self.home.root, needed)
            unprivileged.give(self.home.root, account)
            programs = cluster.Programs(self.programs, account, server_lock)
            self._prepare_cluster(programs)
            authentication.write(self.home, account.name)
            self.place = sockets.choose(self.home.root)
            sockets.make_private(self.place, self.home.root.stat())
            self.log_begin = cluster.rotate_log(self.home)
            return programs.start_server(self.home, self.place)
        finally:
            os.close(server_lock)  # from now on, the server's own copy holds the lock

    def _prepare_cluster(self, programs: cluster.Programs) -> None:
        major = binaries.major_version(self.programs)
        is_new = not self.home.cluster.exists()
        if is_new:
            cluster.create(self.home, programs, major)
        cluster.check_version(self.home, major)
        cluster.forget_dead_server(self.home)
        if not is_new and not self.home.client_rules.exists():  # an earlier version created the cluster
            cluster.convert(self.home, programs)

    def _await_lock(self) -> int:
        server_lock = locks.open_private(self.home.server_lock)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        if not locks.try_acquire(server_lock):
            cluster.stop_unattended_server(self.home)
        while not locks.try_acquire(server_lock):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"Processes of an earlier PostgreSQL still use {self.home.cluster}. "
                    f"Try again when they have ended; {self.home.server_log} says what they do."
                )
            time.sleep(0.02)
        return server_lock

    def _await_ready(self, server: subprocess.Popen[bytes]) -> None:
        # Without a timeout: a server that is stopped during a recovery would have to start it again.
        while not self._is_ready(server.pid):
            if server.poll() is not None or self.stop_requested:
                raise EmbeddedPostgresError(
                    f"PostgreSQL did not start. Its log {self.home.server_log} ends with: "
                    f"{cluster.last_log_line(self.home, self.log_begin)}"
                )
            self._pause(0.02)

    def _is_ready(self, pid: int) -> bool:
        postmaster = self.home.postmaster()
        return postmaster is not None and postmaster.pid == pid and postmaster.state == READY

    def _watch(self, server: subprocess.Popen[bytes]) -> None:
        unused_since: float | None = None
        while server.poll() is None and not self.stop_requested and self._folder_exists() and self._is_reachable():
            if not locks.try_acquire(self.clients_lock):
                unused_since = None
            elif unused_since is None or time.monotonic() - unused_since < self.grace_seconds:
                locks.release(self.clients_lock)
                unused_since = unused_since or time.monotonic()
            else:
                return  # with the lock held, so that new clients wait until the server is down, and then start another
            self._pause(TICK_SECONDS)

    def _folder_exists(self) -> bool:
        """Return whether the data folder is still the same; a server in a new folder must be able to use the socket."""
        try:
            return os.path.samestat(self.home.clients_lock.stat(), os.fstat(self.clients_lock))
        except FileNotFoundError:
            return False

    def _is_reachable(self) -> bool:
        """Return whether the socket exists; without it, nobody can connect to this server, nor start another.

        A program that cleans temporary files may delete it, and so does, when it stops, the server of a folder that
        was renamed: it deletes the path of its own socket, where this server's socket is meanwhile.
        """
        return sockets.socket_file(self.place).exists()

    def _remove_place(self) -> None:
        if self._folder_exists():  # otherwise the place may be that of the server in a new folder
            with suppress(OSError):
                self.place.rmdir()

    def _pause(self, seconds: float) -> None:
        if select.select([self.wakes], [], [], seconds)[0]:
            os.read(self.wakes, 512)

    def _stop(self, *_: object) -> None:
        self.stop_requested = True


def main(root: str, programs: str, grace_seconds: str) -> None:
    """Run a keeper in a process without a parent, and report to the client on the standard output."""
    if os.fork():  # so that the client is not our parent, and need not wait for our end
        os._exit(0)
    try:
        Keeper(ServerFolder(Path(root)), Path(programs), float(grace_seconds)).run()
    except EmbeddedPostgresError as error:
        _report_to_client(str(error))


def _report_to_client(message: str) -> None:
    with suppress(BrokenPipeError):  # the client may have ended or timed out
        os.write(1, " ".join(message.split()).encode())
    os.dup2(2, 1)


def _stop_server(server: subprocess.Popen[bytes]) -> None:
    for number, seconds in STOP_SIGNALS:
        if server.poll() is None:
            server.send_signal(number)
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
