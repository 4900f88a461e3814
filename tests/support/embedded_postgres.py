import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from healthtrack.operations.embedded_postgres import locks
from healthtrack.operations.embedded_postgres.folder import ServerFolder
from tests.support.quick_folders import quick_folder

PROJECT = Path(__file__).parents[2]
GRACE_SECONDS = 0.5


class RefusedError(Exception):
    pass


class Client:
    """A process that uses the server, from its first statement until it ends."""

    def __init__(
        self,
        data: Path,
        runner: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self.process = subprocess.Popen(
            [*runner, sys.executable, "-m", "tests.support.embedded_postgres_client", str(data), str(grace_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env={**os.environ, **(environment or {})},
        )
        self.place = Path()

    def send(self, statement: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(statement) + "\n")
        self.process.stdin.flush()

    def receive(self) -> list[list[Any]]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"the client ended with status {self.process.wait()}"
        answer = json.loads(line)
        if "refused" in answer:
            raise RefusedError(answer["refused"])
        self.place = Path(answer.get("place", ""))
        rows: list[list[Any]] = answer["rows"]
        return rows

    def ask(self, statement: str = "SELECT 1") -> list[list[Any]]:
        self.send(statement)
        return self.receive()

    def leave(self) -> None:
        self.process.communicate()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            with suppress(BrokenPipeError):
                self.leave()


def manage(data: Path, *command: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.support.bare_site", *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
        env={**os.environ, "HEALTHTRACK_DATA_DIR": str(data), **(environment or {})},
    )


def home(data: Path) -> ServerFolder:
    """Return the only server folder of the data folder."""
    (root,) = data.glob("postgres-*")
    return ServerFolder(root.resolve())


def server_pid(data: Path) -> int:
    postmaster = home(data).postmaster()
    assert postmaster
    return postmaster.pid


def keeper_pid(data: Path) -> int:
    assert locks.is_held(home(data).keeper_lock)
    return int(home(data).keeper_lock.read_text())


def is_down(data: Path) -> bool:
    return not locks.is_held(home(data).server_lock)


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until the condition is true; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def fake_programs(folder: Path, version: str) -> Path:
    """Create programs that only print this version, and return their folder."""
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho '{version}'\n")
        (folder / name).chmod(0o755)
    return folder


def system_programs() -> list[Path]:
    """Return the folders of the programs of each PostgreSQL that Debian's packages installed."""
    return sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@contextmanager
def server_data_folder() -> Iterator[Path]:
    """Return a data folder for an embedded PostgreSQL of one test, and stop its server at the end."""
    # Not in pytest's folder, which no other user may enter: if root runs the tests, the server runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="ht-test-", dir=quick_folder())).resolve()
    folder.chmod(0o755)
    yield folder
    stop_servers(folder.glob("postgres-*"))
    shutil.rmtree(folder)


def stop_servers(roots: Iterable[Path]) -> None:
    """Stop the servers through their keepers, whose pids are valid while they hold their locks."""
    for server in map(ServerFolder, roots):
        if locks.is_held(server.keeper_lock):
            os.kill(int(server.keeper_lock.read_text()), signal.SIGTERM)
        wait_for(partial(_is_free, server))


def _is_free(server: ServerFolder) -> bool:
    return not locks.is_held(server.keeper_lock) and not locks.is_held(server.server_lock)
