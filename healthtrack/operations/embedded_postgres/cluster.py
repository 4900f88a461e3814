"""Create the cluster on disk, and define the settings with which its server starts."""

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from healthtrack.operations.embedded_postgres import authentication, locks, roles
from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError
from healthtrack.operations.embedded_postgres.folder import ServerFolder
from healthtrack.operations.embedded_postgres.sockets import PORT, is_private, listener_pid
from healthtrack.operations.embedded_postgres.unprivileged import Account, Command

LOG_LIMIT = 10_000_000
FIRST_MAJOR_WITH_BUILTIN_LOCALE = 17

INITDB_OPTIONS = (
    f"--username={roles.SUPERUSER}",
    "--encoding=UTF8",
    "--auth-local=peer",  # if somebody starts the server by hand; we give it rules of our own
    "--auth-host=reject",
    "--no-instructions",
    "--no-sync",  # we sync once at the end
)

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # A statement locks each partition that it may read, with its indexes: years of readings, months of the logs.
    "max_locks_per_transaction": "512",
    "max_wal_size": "2GB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "jit": "off",  # compiling takes longer than our statements: an import of a small file took 1.5 times as long
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_destination": "stderr",
    # Patients' data must not get into the log: the message of an error may quote a value, its detail the whole row,
    # and its statement every value of the row.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


@dataclass(frozen=True)
class Programs:
    """PostgreSQL's programs, and the account that they run as."""

    folder: Path
    account: Account
    server_lock: int
    """Every child inherits it, so that no other keeper starts while a child of a killed keeper still runs."""

    def start_server(self, home: ServerFolder, place: Path) -> subprocess.Popen[bytes]:
        """Start the server with its socket in `place`."""
        command: Command = [self.folder / "postgres", "-D", home.cluster, *_options(home, place)]
        log = locks.open_private(home.server_log, os.O_APPEND)
        try:
            return self.account.start(command, cwd=home.root, output=log, keep=[self.server_lock])
        finally:
            os.close(log)

    def run(self, home: ServerFolder, command: Command, script: str = "") -> tuple[int, str]:
        """Run the command with the script as its input; return its exit code and its output."""
        process = self.account.start(
            command, cwd=home.root, source=subprocess.PIPE, output=subprocess.PIPE, keep=[self.server_lock]
        )
        output = process.communicate(script.encode())[0].decode(errors="replace")
        return process.returncode, output


def create(home: ServerFolder, programs: Programs, major: int) -> None:
    """Create the cluster and the database; the folder gets its final name only when it is complete."""
    status, output = _initdb(home, programs, major)
    create_roles = _single_user(programs, home.draft, "postgres", "-c", "fsync=off")
    for command, script in ((create_roles, roles.CREATE), (_sync(home, programs), "")):
        if not status:
            status, output = programs.run(home, command, script)
    if status:
        raise EmbeddedPostgresError(
            f"PostgreSQL could not make its folder {home.cluster} ({_reason(output)}). Fix this and try again."
        )
    home.draft.rename(home.cluster)


def convert(home: ServerFolder, programs: Programs) -> None:
    """Take the superuser's rights from the role of HealthTrack, in a cluster that an earlier version created."""
    for database, script in (("postgres", roles.RENAME_SUPERUSER), (roles.DATABASE, roles.GIVE_OBJECTS_TO_USER)):
        status, output = programs.run(home, _single_user(programs, home.cluster, database), script)
        if status:
            raise EmbeddedPostgresError(
                f"PostgreSQL could not change the roles of {home.cluster} ({_reason(output)}). Fix this and try again."
            )


def check_version(home: ServerFolder, major: int) -> None:
    """Raise EmbeddedPostgresError if another major version created the cluster."""
    created_by = (home.cluster / "PG_VERSION").read_text().strip()
    if created_by != str(major):
        raise EmbeddedPostgresError(
            f"{home.cluster} was created by PostgreSQL {created_by} and cannot be read by PostgreSQL {major}. "
            f"Set HEALTHTRACK_PG_BIN to the programs of version {created_by}, or move that folder away."
        )


def forget_dead_server(home: ServerFolder) -> None:
    """Remove the pid file of a dead server; PostgreSQL refuses to start if its pid now belongs to another program.

    Call it with the server lock held: then no process that we started is left, whatever the pid in the file.
    Raise EmbeddedPostgresError if a server that somebody else started uses the cluster.
    """
    stale = home.postmaster()
    if stale and listener_pid(stale.socket_folder) == stale.pid:
        raise EmbeddedPostgresError(
            f"A PostgreSQL that HealthTrack did not start (process {stale.pid}) runs on {home.cluster}. "
            "Stop it and try again."
        )
    (home.cluster / "postmaster.pid").unlink(missing_ok=True)


def stop_unattended_server(home: ServerFolder) -> None:
    """Stop a server that has outlived its keeper, as happens on some systems, if it listens on our private socket."""
    left = home.postmaster()
    if left and is_private(left.socket_folder, home.root.stat()) and listener_pid(left.socket_folder) == left.pid:
        os.kill(left.pid, signal.SIGQUIT)


def rotate_log(home: ServerFolder) -> int:
    """Rotate the log if it is large; return the position at which the next server begins to write."""
    log = home.server_log
    size = log.stat().st_size if log.exists() else 0
    if size < LOG_LIMIT:
        return size
    log.replace(log.with_suffix(".log.old"))
    return 0


def last_log_line(home: ServerFolder, since: int) -> str:
    """Return the last fatal line of the log after this position or, without one, its last line."""
    with home.server_log.open(errors="replace") as log:
        log.seek(since)
        return _reason(log.read())


def _initdb(home: ServerFolder, programs: Programs, major: int) -> tuple[int, str]:
    if major >= FIRST_MAJOR_WITH_BUILTIN_LOCALE:
        locales = [["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]]
    else:
        locales = [["--locale=C.UTF-8"], ["--locale=C"]]  # some systems do not have C.UTF-8
    for locale in locales:
        shutil.rmtree(home.draft, ignore_errors=True)
        status, output = programs.run(
            home,
            [programs.folder / "initdb", "-D", home.draft, *INITDB_OPTIONS, *locale],
        )
        if not status:
            break
    return status, output


def _single_user(programs: Programs, cluster: Path, database: str, *options: str) -> Command:
    """Return the command of a server that only runs a script, as the superuser; no client can connect to it."""
    # -j: a statement may have several lines, and ends before an empty one
    always = ["-j", "-c", "exit_on_error=on"]
    return [programs.folder / "postgres", "--single", "-D", cluster, *always, *options, database]


def _sync(home: ServerFolder, programs: Programs) -> Command:
    return [programs.folder / "initdb", "--sync-only", "-D", home.draft]


def _options(home: ServerFolder, place: Path) -> list[str]:
    quoted = '"' + str(place).replace('"', '""') + '"'
    settings = SETTINGS | authentication.options(home)
    settings |= {"unix_socket_directories": quoted, "shared_buffers": _shared_buffers()}
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _shared_buffers() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{max(32, min(256, memory // 2**20 // 8))}MB"


def _reason(output: str) -> str:
    """Return the last fatal line or, without one, the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    fatal = [line for line in lines if re.search("FATAL:|PANIC:", line)]
    return (fatal or lines or ["there is no output"])[-1]
