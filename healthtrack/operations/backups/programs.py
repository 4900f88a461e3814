"""PostgreSQL's own programs, and how they reach the database: no password stands on a command line."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

from django.core.management.base import CommandError
from django.db import connection
from psycopg import pq
from psycopg.conninfo import make_conninfo

from healthtrack.operations.embedded_postgres import EMBEDDED_ENGINE, binaries

SETS_TRANSACTION_TIMEOUT = 17  # the first version whose pg_restore does, which older servers refuse
_MOMENT_SECONDS = 1
_TOLD = re.compile(r"(?:error|ERROR|FATAL): +(.+)")


@dataclass
class Program:
    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def complaint(self) -> str:
        """The first fault that it told of; without the details that may follow, for they may hold values."""
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace")
        found = _TOLD.search(said)
        return found[1].strip() if found else "it says nothing of why"

    def succeeded(self) -> bool:
        return self.process.wait() == 0

    def ends_by_itself(self) -> bool:
        """Waits a moment: what a program held open is closed a little before it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=_MOMENT_SECONDS)
        return self.process.returncode is not None


@contextmanager
def running(
    name: str,
    *arguments: str,
    source: int = subprocess.DEVNULL,
    output: int | IO[bytes] = subprocess.DEVNULL,
) -> Iterator[Program]:
    """The program, which has ended afterwards in one way or the other."""
    with TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603
            [_path(name), *arguments],
            stdin=source,
            stdout=output,
            stderr=errors,
            env=os.environ | {"LC_ALL": "C"} | _password(),
        )
        try:
            yield Program(process, errors)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    _close(pipe)


def database() -> str:
    """The option that names the database."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} - {"password"}
    params = connection.get_connection_params()
    return f"--dbname={make_conninfo(**{name: value for name, value in params.items() if name in known})}"


def require_version(name: str, *, restores: bool = False) -> None:
    """The programs know servers of their own version and of older ones; but what they write to be run may not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        (server,) = cursor.fetchone()
    own = _version(name)
    if own < server or (restores and server < SETS_TRANSACTION_TIMEOUT <= own):
        raise CommandError(
            f"The program {name} is of version {own} and the database of version {server}:"
            f" install PostgreSQL's client programs of version {server}, and put them first on the PATH."
        )


def _version(name: str) -> int:
    said = subprocess.run([_path(name), "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    version = re.search(r"\d+", said)
    return int(version[0]) if version else 0


def _path(name: str) -> str:
    folder = str(binaries.find()) if connection.settings_dict["ENGINE"] == EMBEDDED_ENGINE else None
    found = shutil.which(name, path=folder)
    if not found:
        place = f"in {folder}" if folder else "on the PATH"
        raise CommandError(f"There is no program {name} {place}: install PostgreSQL's client programs.")
    return found


def _password() -> dict[str, str]:
    password = connection.settings_dict["PASSWORD"]
    return {"PGPASSWORD": password} if password else {}


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # it held words for a program that has ended
        pipe.close()
