"""Start PostgreSQL servers that replicate each other, from the same programs as the embedded one."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import psycopg
from django.conf import settings

from healthtrack.operations.embedded_postgres import binaries, unprivileged
from healthtrack.operations.embedded_postgres.unprivileged import Account
from tests.support.databases import Database
from tests.support.embedded_postgres import wait_for
from tests.support.quick_folders import quick_folder
from tests.support.serving import free_port

NAME = "records"
USER = "healthtrack"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_wal_size": "1GB",
    "jit": "off",
    "hot_standby_feedback": "on",
    "fsync": "off",  # the processes are killed, not the machine
    "wal_receiver_timeout": "5s",
    "wal_retrieve_retry_interval": "200ms",
}


@dataclass
class PostgresServer:
    """A server of the tests, running or not."""

    home: Path
    account: Account
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def database(self) -> Database:
        return Database({"host": "127.0.0.1", "port": self.port, "user": USER, "password": "", "dbname": NAME})

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def run(self, program: str, *arguments: str) -> None:
        process = self.account.start([_programs() / program, *arguments], cwd=self.home.parent, output=subprocess.PIPE)
        output = process.communicate()[0].decode()
        assert process.returncode == 0, output

    def start(self, **more: str) -> None:
        """Start the server, and wait until it answers."""
        options = {**SETTINGS, "port": str(self.port), **more}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self.process = self.account.start([_programs() / "postgres", "-D", self.home, *words], cwd=self.home)
        wait_for(self.answers)

    def answers(self) -> bool:
        try:
            return self.database.ask("SELECT 1") == [(1,)]
        except psycopg.OperationalError as error:
            return "does not exist" in str(error)  # before the database is created

    def kill(self) -> None:
        """Kill the server as if its machine had lost power: all its processes, with -9."""
        assert self.process
        _, *children = family_of(self.process.pid)
        for pid in (self.process.pid, *children):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()

    def promote(self) -> None:
        """Let this replica become the primary."""
        assert self.database.ask("SELECT pg_promote(true, 30)") == [(True,)]

    def replicate(self, name: str) -> "PostgresServer":
        """Return a new server that replicates this one, started, under this name for synchronous standbys."""
        copy = PostgresServer(self.home.with_name(name), self.account)
        source = f"host=127.0.0.1 port={self.port} user={USER} application_name={name}"
        copy.run("pg_basebackup", "-D", str(copy.home), "-d", source, "-R", "-X", "stream", "-c", "fast")
        copy.start()
        return copy


@contextmanager
def primary() -> Iterator[PostgresServer]:
    """Start a server with an empty database; at the end, stop it and delete the folder of all servers."""
    folder = Path(mkdtemp(prefix="ht-replicas-", dir=quick_folder()))
    account = _account(folder)
    server = PostgresServer(folder / "primary", account)
    try:
        server.run(
            "initdb", "-D", str(server.home), f"--username={USER}", "--auth=trust", "--encoding=UTF8", "--no-sync"
        )
        server.start()
        Database({**server.database.params, "dbname": "postgres"}).ask(f"CREATE DATABASE {NAME}")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def stopping(*servers: PostgresServer) -> Iterator[None]:
    """Stop the servers at the end of the block."""
    try:
        yield
    finally:
        for server in servers:
            server.stop()


def address_of(servers: Sequence[PostgresServer]) -> str:
    """Return the address of a database on several servers, of which one is the primary."""
    return f"postgresql://{USER}@{','.join(server.address for server in servers)}/{NAME}"


def _account(folder: Path) -> Account:
    """Return the account that runs the servers, which is not root, and give it the folder."""
    account = unprivileged.choose(folder, {})
    os.chown(folder, account.uid, account.gid)
    return account


def _programs() -> Path:
    return binaries.find(settings.HEALTHTRACK_DATA_DIR)


def family_of(pid: int) -> list[int]:
    """Return a process and its children."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [pid, *(int(child) for child, parent in map(str.split, listed.splitlines()) if int(parent) == pid)]
