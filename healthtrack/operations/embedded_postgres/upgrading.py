"""Upgrade the embedded cluster to a newer major version with pg_upgrade, verify the data, and leave the old cluster."""

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from healthtrack.operations.embedded_postgres import authentication, binaries, cluster, locks, sockets, unprivileged
from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError
from healthtrack.operations.embedded_postgres.folder import (
    READY,
    ServerFolder,
    major_versions_of_clusters,
    of_major_version,
)
from healthtrack.operations.embedded_postgres.roles import DATABASE, SUPERUSER, USER

FIRST_WITH_CHECKSUMS = 18  # from this version on, new clusters have checksums by default
# Only the account that runs the servers can enter the folder of the sockets.
_RULES = "local all all trust\n"
_TABLES = """
    SELECT nspname, relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE relkind = 'r' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' ORDER BY 1, 2
"""
_FINGERPRINT = "SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint), 0) FROM {}.{} AS t"

Fingerprint = dict[str, tuple[int, int]]  # of each table: the number of rows, and a sum over all their values


@dataclass(frozen=True)
class Upgrade:
    """What was upgraded: the versions, where the old cluster is now, and how much data was compared."""

    old_major: int
    new_major: int
    old_cluster: Path
    tables: int
    rows: int


def upgrade(data_folder: Path, old_programs: Path | None, say: Callable[[str], object]) -> Upgrade:
    """Upgrade the only cluster of the data folder to the newest programs, and return what was done.

    Raises EmbeddedPostgresError, with a remedy, if that is not possible; the old cluster is then as it was.
    """
    old, new_programs = _find_cluster(data_folder), binaries.find_newest()
    old_major, new_major = int(old.root.name.removeprefix("postgres-")), binaries.major_version(new_programs)
    if old_major >= new_major:
        raise EmbeddedPostgresError(f"The cluster has version {old_major}, and there are no newer programs.")
    new = of_major_version(data_folder, new_major)
    new.prepare()
    with _stopped(old) as old_lock, _stopped(new) as new_lock:
        account = unprivileged.choose(old.root, {new_programs / "postgres": "HEALTHTRACK_PG_BIN"})
        for home in (old, new):
            unprivileged.give(home.root, account)
        before = cluster.Programs(old_programs or binaries.find(data_folder), account, old_lock)
        after = cluster.Programs(new_programs, account, new_lock)
        if not old.client_rules.exists():  # an earlier version of HealthTrack created the cluster
            cluster.convert(old, before)
        say(f"Reading the data of version {old_major} …")
        expected = _read_fingerprint(old, before)
        say(f"Copying it to version {new_major} …")
        _run_pg_upgrade(old, new, before, after)
        say("Comparing the data …")
        _verify(new, after, expected)
        old_cluster = _set_aside(old)
    return Upgrade(old_major, new_major, old_cluster, len(expected), sum(rows for rows, _ in expected.values()))


def _find_cluster(data_folder: Path) -> ServerFolder:
    majors = major_versions_of_clusters(data_folder)
    if len(majors) != 1:
        found = f"has the versions {', '.join(map(str, majors))}" if majors else "has no database"
        raise EmbeddedPostgresError(
            f"{data_folder} {found}; an upgrade needs exactly one. Rename the folders that you do not need."
        )
    return of_major_version(data_folder, majors[0])


@contextmanager
def _stopped(home: ServerFolder) -> Iterator[int]:
    """Make sure that nothing uses the server, and yield the lock that its processes inherit."""
    clients, server = locks.open_private(home.clients_lock), locks.open_private(home.server_lock)
    if not locks.try_acquire(clients) or not locks.try_acquire(server):
        raise EmbeddedPostgresError(
            "HealthTrack still uses the database. Stop the web server, the worker and all commands, wait 20 seconds, "
            "and try again."
        )
    yield server


def _run_pg_upgrade(old: ServerFolder, new: ServerFolder, before: cluster.Programs, after: cluster.Programs) -> None:
    shutil.rmtree(new.draft, ignore_errors=True)
    options = list(cluster.INITDB_OPTIONS)
    if binaries.major_version(after.folder) >= FIRST_WITH_CHECKSUMS and not _has_checksums(old, before):
        options.append("--no-data-checksums")  # pg_upgrade copies pages as they are
    _check(after.run(new, [after.folder / "initdb", "-D", new.draft, *options, "--locale=C"]), "create a new cluster")
    # A short path, because it is also that of a socket.
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="ht-") as folder, _open(old.cluster), _open(new.draft):
        shutil.chown(folder, after.account.uid, after.account.gid)
        versions = ["-b", str(before.folder), "-B", str(after.folder), "-d", str(old.cluster), "-D", str(new.draft)]
        _check(
            after.run(new, [after.folder / "pg_upgrade", "-U", SUPERUSER, "-s", folder, *versions]), "upgrade the data"
        )
    new.draft.rename(new.cluster)


def _has_checksums(home: ServerFolder, programs: cluster.Programs) -> bool:
    _, output = programs.run(home, [programs.folder / "pg_controldata", home.cluster])
    return not re.search(r"checksum version:\s+0$", output, re.MULTILINE)


@contextmanager
def _open(data: Path) -> Iterator[None]:
    """Let pg_upgrade connect, and restore the file that rules who may if somebody starts the server by hand."""
    rules = data / "pg_hba.conf"
    text = rules.read_text()
    rules.write_text(_RULES)
    try:
        yield
    finally:
        rules.write_text(text)


def _check(result: tuple[int, str], task: str) -> None:
    status, output = result
    if status:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        raise EmbeddedPostgresError(
            f"PostgreSQL could not {task}: {' '.join(lines[-3:])}. The old cluster is as it was. Correct this, and try "
            "again."
        )


def _verify(new: ServerFolder, programs: cluster.Programs, expected: Fingerprint) -> None:
    """Raise EmbeddedPostgresError, and remove the new cluster, if its data differs from what is expected."""
    found = _read_fingerprint(new, programs, and_then="ANALYZE")  # pg_upgrade leaves some statistics out
    if found != expected:
        shutil.rmtree(new.cluster)
        different = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
        raise EmbeddedPostgresError(
            f"The upgraded data differs in {', '.join(different)}. The old cluster is as it was, and is used further. "
            "Restore a backup into the new version instead, as docs/upgrading.md says."
        )


def _read_fingerprint(home: ServerFolder, programs: cluster.Programs, and_then: str = "") -> Fingerprint:
    with _serving(home, programs) as place:
        session = psycopg.connect(host=str(place), port=sockets.PORT, user=USER, dbname=DATABASE, autocommit=True)
        with session:
            found: Fingerprint = {}
            for schema, table in session.execute(_TABLES).fetchall():
                query = sql.SQL(_FINGERPRINT).format(sql.Identifier(schema), sql.Identifier(table))
                ((rows, total),) = session.execute(query).fetchall()
                found[f"{schema}.{table}"] = (rows, int(total))
            if and_then:
                session.execute(sql.SQL(and_then))
            return found


@contextmanager
def _serving(home: ServerFolder, programs: cluster.Programs) -> Iterator[Path]:
    """Run the server during the block, and yield the folder of its socket."""
    authentication.write(home, programs.account.name)
    place = sockets.choose(home.root)
    sockets.make_private(place, home.root.stat())
    server = programs.start_server(home, place)
    try:
        _await(home, server)
        yield place
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()
        if place != home.root:
            place.rmdir()


def _await(home: ServerFolder, server: subprocess.Popen[bytes]) -> None:
    while True:
        postmaster = home.postmaster()
        if postmaster and postmaster.pid == server.pid and postmaster.state == READY:
            return
        try:
            server.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        raise EmbeddedPostgresError(f"PostgreSQL did not start: {cluster.last_log_line(home, 0)}")


def _set_aside(old: ServerFolder) -> Path:
    old_cluster = old.root.with_name(f"{old.root.name}.old")
    while old_cluster.exists():
        old_cluster = old_cluster.with_name(f"{old_cluster.name}.old")
    return old.root.rename(old_cluster)
