"""Run PostgreSQL's client programs against the database; no password ever appears on a command line."""

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

FIRST_WITH_TRANSACTION_TIMEOUT = 17  # from this version on, pg_restore sets a parameter that older servers refuse
_END_TIMEOUT_SECONDS = 1
_ERROR_LINE = re.compile(r"(?:error|ERROR|FATAL): +(.+)")


@dataclass
class Program:
    """A started program and what it writes to its error output."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def first_error(self) -> str:
        """Return the first error that it reported, without the details after it, which may quote values."""
        self.errors.seek(0)
        output = self.errors.read().decode(errors="replace")
        found = _ERROR_LINE.search(output)
        return found[1].strip() if found else "it gives no reason"

    def succeeded(self) -> bool:
        """Wait for the end of the program, and return whether its exit code is 0."""
        return self.process.wait() == 0

    def has_ended(self) -> bool:
        """Return whether it has ended; wait a moment first, because its pipes close a little before it ends."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=_END_TIMEOUT_SECONDS)
        return self.process.returncode is not None


@contextmanager
def running(
    name: str,
    *arguments: str,
    source: int = subprocess.DEVNULL,
    output: int | IO[bytes] = subprocess.DEVNULL,
) -> Iterator[Program]:
    """Start the program, and kill it at the end of the block if it still runs."""
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


def database_option() -> str:
    """Return the command-line option that names the database."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} - {"password"}
    params = connection.get_connection_params()
    return f"--dbname={make_conninfo(**{name: value for name, value in params.items() if name in known})}"


def require_version(name: str, *, restores: bool = False) -> None:
    """Raise CommandError if the program is older than the server or restores with SQL that the server refuses."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        (server,) = cursor.fetchone()
    own = _version(name)
    if own < server or (restores and server < FIRST_WITH_TRANSACTION_TIMEOUT <= own):
        raise CommandError(
            f"The program {name} has version {own}, and the database has version {server}:"
            f" install PostgreSQL's client programs of version {server}, and put them first on the PATH."
        )


def _version(name: str) -> int:
    output = subprocess.run([_path(name), "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    version = re.search(r"\d+", output)
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
    with suppress(BrokenPipeError):  # it held input for a program that has ended
        pipe.close()
