import os
from dataclasses import dataclass
from pathlib import Path

from healthtrack.operations.embedded_postgres import locks
from healthtrack.operations.embedded_postgres.errors import OTHER_WAYS, EmbeddedPostgresError

READY = "ready"
BUSY = "busy"  # a second keeper leaves the first to its work


@dataclass(frozen=True)
class Postmaster:
    """What the server says of itself in postmaster.pid. Stale after a crash: never a proof that it lives."""

    pid: int
    socket_folder: Path
    state: str


@dataclass(frozen=True)
class ServerFolder:
    """All that belongs to the server of one major version: its data, its logs, and the locks of its users."""

    root: Path

    @property
    def cluster(self) -> Path:
        return self.root / "data"

    @property
    def draft(self) -> Path:
        return self.root / "data.new"

    @property
    def clients_lock(self) -> Path:
        """Shared by every process that uses the server, as long as it lives."""
        return self.root / "clients.lock"

    @property
    def start_lock(self) -> Path:
        return self.root / "start.lock"

    @property
    def keeper_lock(self) -> Path:
        return self.root / "keeper.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the server and inherited by each of its processes: free means that none of them is left."""
        return self.root / "server.lock"

    @property
    def keeper_log(self) -> Path:
        return self.root / "keeper.log"

    @property
    def server_log(self) -> Path:
        return self.root / "postgres.log"

    def postmaster(self) -> Postmaster | None:
        try:
            lines = os.fsdecode((self.cluster / "postmaster.pid").read_bytes()).split("\n")
            return Postmaster(int(lines[0]), Path(lines[4]), lines[7].strip())
        except (OSError, ValueError, IndexError):  # none, or half written
            return None

    def prepare(self) -> None:
        try:
            self._make()
        except OSError as fault:
            raise EmbeddedPostgresError(
                f"HealthTrack cannot keep its database in {self.root} ({fault.strerror}): "
                f"make that folder writable, {OTHER_WAYS}."
            ) from fault

    def _make(self) -> None:
        missing = [path for path in (self.root, *self.root.parents) if not os.path.lexists(path)]
        # Others may pass through the data folder, and list neither.
        modes = {self.root: 0o700, self.root.parent: 0o711}
        for path in reversed(missing):
            path.mkdir(mode=modes.get(path, 0o777), exist_ok=True)
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
                f"{self.root} belongs to another user (number {status.st_uid}): run HealthTrack as them, {OTHER_WAYS}."
            )


def open_folder(path: Path) -> int:
    # A link would lead root to change the permissions of a folder that is not ours.
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def hand_over(path: Path) -> None:
    descriptor = open_folder(path)
    try:
        locks.hand_to_owner_of(path.parent, descriptor)
    finally:
        os.close(descriptor)
