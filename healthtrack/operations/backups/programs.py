"""Run PostgreSQL's client programs against the database.

No parameter of the connection appears on a command line, which everybody on the machine can read: a file that only its
owner can read has all of them, because libpq has no environment variable for some secrets, such as sslpassword.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from psycopg import pq

from healthtrack.operations.embedded_postgres import EMBEDDED_ENGINE, binaries

FIRST_WITH_TRANSACTION_TIMEOUT = 17  # from this version on, pg_restore sets a parameter that older servers refuse
_SERVICE = "healthtrack"
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


@contextmanager
def running(
    name: str,
    *arguments: str,
    connects: bool = False,
    source: int = subprocess.DEVNULL,
    output: int | IO[bytes] = subprocess.DEVNULL,
) -> Iterator[Program]:
    """Start the program, and kill it at the end of the block if it still runs.

    With `connects`, it uses the database of Django's connection.
    """
    with TemporaryFile() as errors, _connection(needed=connects) as (option, variables):
        process = subprocess.Popen(  # noqa: S603 (a fixed program, without a shell)
            [_path(name), *arguments, *option],
            stdin=source,
            stdout=output,
            stderr=errors,
            env=os.environ | {"LC_ALL": "C"} | variables,
        )
        try:
            yield Program(process, errors)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    _close(pipe)


@contextmanager
def _connection(*, needed: bool) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Return the option and the environment variables with which a program finds the database, none if not needed."""
    if not needed:
        yield [], {}
        return
    params = connection_parameters()
    password = params.pop("password", None)  # not in the file, where spaces at its end would be lost
    with NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(f"[{_SERVICE}]\n" + "".join(f"{name}={value}\n" for name, value in params.items()))
        file.flush()
        variables = {"PGSERVICEFILE": file.name} | ({"PGPASSWORD": password} if password else {})
        yield [f"--dbname=service={_SERVICE}"], variables


def connection_parameters() -> dict[str, str]:
    """Return the parameters of Django's connection that libpq knows."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    params = connection.get_connection_params()
    return {name: str(value) for name, value in params.items() if name in known}


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
    output = subprocess.run([_path(name), "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 (a fixed program, without a shell)
    version = re.search(r"\d+", output)
    return int(version[0]) if version else 0


def _path(name: str) -> str:
    embedded = connection.settings_dict["ENGINE"] == EMBEDDED_ENGINE
    folder = str(binaries.find(settings.HEALTHTRACK_DATA_DIR)) if embedded else None
    found = shutil.which(name, path=folder)
    if not found:
        place = f"in {folder}" if folder else "on the PATH"
        raise CommandError(f"There is no program {name} {place}: install PostgreSQL's client programs.")
    return found


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # it held input for a program that has ended
        pipe.close()
