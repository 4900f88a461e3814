"""The folder of the embedded PostgreSQL: its paths, its owner and its permissions."""

import os
from dataclasses import dataclass
from pathlib import Path

from healthtrack.operations.embedded_postgres import locks
from healthtrack.operations.embedded_postgres.errors import ALTERNATIVES, EmbeddedPostgresError

PREFIX, CLUSTER = "postgres-", "data"
READY = "ready"
BUSY = "busy"  # another keeper runs already


@dataclass(frozen=True)
class Postmaster:
    """What postmaster.pid says about the server. It does not prove that the server runs: after a crash it is stale."""

    pid: int
    socket_folder: Path
    state: str


@dataclass(frozen=True)
class ServerFolder:
    """The folder of the server of one major version: its data, its logs, and the locks of its clients."""

    root: Path

    @property
    def cluster(self) -> Path:
        return self.root / CLUSTER

    @property
    def draft(self) -> Path:
        return self.root / "data.new"

    @property
    def clients_lock(self) -> Path:
        """Held (shared) by every process that uses the server, until the process ends."""
        return self.root / "clients.lock"

    @property
    def start_lock(self) -> Path:
        return self.root / "start.lock"

    @property
    def keeper_lock(self) -> Path:
        return self.root / "keeper.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the server, whose processes inherit it: when it is free, none of them is left."""
        return self.root / "server.lock"

    @property
    def keeper_log(self) -> Path:
        return self.root / "keeper.log"

    @property
    def server_log(self) -> Path:
        return self.root / "postgres.log"

    @property
    def client_rules(self) -> Path:
        """Who may connect as which role, and a sign that the cluster has these roles."""
        return self.root / "pg_hba.conf"

    @property
    def user_names(self) -> Path:
        """Which account may connect as the superuser."""
        return self.root / "pg_ident.conf"

    def postmaster(self) -> Postmaster | None:
        """Return what postmaster.pid says; None if there is no such file or it is half written."""
        try:
            lines = os.fsdecode((self.cluster / "postmaster.pid").read_bytes()).split("\n")
            return Postmaster(int(lines[0]), Path(lines[4]), lines[7].strip())
        except (OSError, ValueError, IndexError):
            return None

    def prepare(self) -> None:
        """Create the folder if it does not exist, and make it private."""
        try:
            self._make()
        except OSError as error:
            raise EmbeddedPostgresError(
                f"HealthTrack cannot store its database in {self.root} ({error.strerror}). "
                f"Make that folder writable, {ALTERNATIVES}."
            ) from error

    def _make(self) -> None:
        missing = [path for path in (self.root, *self.root.parents) if not os.path.lexists(path)]
        for path in reversed(missing):
            # Other users may pass through the data folder, but list neither folder.
            path.mkdir(mode=0o700 if path == self.root else 0o711, exist_ok=True)
            hand_over(path)
        descriptor = open_folder(self.root)
        try:
            self._check_owner(os.fstat(descriptor))
            os.fchmod(descriptor, 0o700)
        finally:
            os.close(descriptor)

    def _check_owner(self, status: os.stat_result) -> None:
        if os.geteuid() not in {0, status.st_uid}:
            raise EmbeddedPostgresError(
                f"{self.root} belongs to another user (uid {status.st_uid}). Run HealthTrack as them, {ALTERNATIVES}."
            )


def of_major_version(data_folder: Path, major: int) -> ServerFolder:
    """Return the folder of the server of this major version."""
    return ServerFolder(data_folder.resolve() / f"{PREFIX}{major}")


def major_versions_of_clusters(data_folder: Path) -> list[int]:
    """Return the major versions whose clusters the data folder holds, the newest first."""
    names = (cluster.parent.name.removeprefix(PREFIX) for cluster in data_folder.glob(f"{PREFIX}*/{CLUSTER}"))
    return sorted((int(name) for name in names if name.isdecimal()), reverse=True)


def open_folder(path: Path) -> int:
    """Return a descriptor of the folder; raise OSError if the path is a link."""
    # O_NOFOLLOW: through a link, root would change the permissions of a folder that is not ours.
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def hand_over(path: Path) -> None:
    """Give the folder to the owner of its parent folder."""
    descriptor = open_folder(path)
    try:
        locks.give_to_owner_of(path.parent, descriptor)
    finally:
        os.close(descriptor)
