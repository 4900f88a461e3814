"""Where the server's socket lies: in our own folder or, its path being too long, in a short private one."""

import hashlib
import os
import socket
import stat
import struct
import sys
import tempfile
from pathlib import Path

from healthtrack.operations.embedded_postgres import folder
from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError

PORT = 5432
LONGEST_PATH = 103  # macOS takes 104 bytes with the closing zero, Linux 108
_DARWIN_SOL_LOCAL, _DARWIN_LOCAL_PEERPID = 0, 2


def socket_file(place: Path) -> Path:
    return place / f".s.PGSQL.{PORT}"


def choose(root: Path) -> Path:
    name = f"ht-{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}"
    temporary = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 - TMPDIR itself may be too long
    for place in (root / "run", *(parent.resolve() / name for parent in temporary)):
        # The client library takes a comma for the end of a path.
        if len(os.fsencode(socket_file(place))) <= LONGEST_PATH and "," not in str(place):
            return place
    raise EmbeddedPostgresError(
        f"The path of {root} is too long for a socket, and so is that of the folder for temporary files: "
        "set TMPDIR to a folder with a short path."
    )


def make_private(place: Path, owner: os.stat_result) -> None:
    """Made for the owner alone; refused when anybody else made it before us."""
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        descriptor = folder.open_folder(place)
    except OSError as fault:
        raise _not_private(place) from fault
    try:
        found = os.fstat(descriptor)
        if found.st_uid not in {os.geteuid(), owner.st_uid}:
            raise _not_private(place)
        os.fchmod(descriptor, 0o700)
        if found.st_uid != owner.st_uid:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    finally:
        os.close(descriptor)


def is_private(place: Path, owner: os.stat_result) -> bool:
    try:
        found = place.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner.st_uid and not found.st_mode & 0o077


def listener_pid(place: Path) -> int | None:
    """The process that listens on the server's socket, from the kernel itself; none when nobody does."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(os.fspath(socket_file(place)))
            return _peer_pid(connection)
        except OSError:
            return None


def _peer_pid(connection: socket.socket) -> int:
    if sys.platform == "darwin":
        return connection.getsockopt(_DARWIN_SOL_LOCAL, _DARWIN_LOCAL_PEERPID)
    else:  # noqa: RET505 - the type checker follows platforms by branches
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[0])


def _not_private(place: Path) -> EmbeddedPostgresError:
    return EmbeddedPostgresError(
        f"{place}, where the database's socket would lie, is not a folder of HealthTrack's own: "
        "remove it, or set TMPDIR to another folder for temporary files."
    )
