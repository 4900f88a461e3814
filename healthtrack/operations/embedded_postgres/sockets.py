"""Choose the folder of the server's socket: our own or, if its path is too long, a short private one."""

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
MAX_PATH_BYTES = 103  # macOS allows 104 bytes with the final zero, Linux 108
_DARWIN_SOL_LOCAL, _DARWIN_LOCAL_PEERPID = 0, 2


def socket_file(place: Path) -> Path:
    """Return the path of the socket in this folder."""
    return place / f".s.PGSQL.{PORT}"


def choose(root: Path) -> Path:
    """Return the folder for the server's socket; raise EmbeddedPostgresError if every path is too long."""
    name = f"ht-{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}"
    temporary = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 - TMPDIR itself may be too long
    for place in (root / "run", *(parent.resolve() / name for parent in temporary)):
        # libpq takes a comma for the end of a path.
        if len(os.fsencode(socket_file(place))) <= MAX_PATH_BYTES and "," not in str(place):
            return place
    raise EmbeddedPostgresError(
        f"The path of {root} is too long for a socket, and so is the path of the folder for temporary files. "
        "Set TMPDIR to a folder with a short path."
    )


def make_private(place: Path, owner: os.stat_result) -> None:
    """Create the folder for the owner only; raise EmbeddedPostgresError if somebody else created it before."""
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        descriptor = folder.open_folder(place)
    except OSError as error:
        raise _not_private(place) from error
    try:
        status = os.fstat(descriptor)
        if status.st_uid not in {os.geteuid(), owner.st_uid}:
            raise _not_private(place)
        os.fchmod(descriptor, 0o700)
        if status.st_uid != owner.st_uid:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    finally:
        os.close(descriptor)


def is_private(place: Path, owner: os.stat_result) -> bool:
    """Return whether it is a folder that only this owner can enter."""
    try:
        status = place.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == owner.st_uid and not status.st_mode & 0o077


def listener_pid(place: Path) -> int | None:
    """Return the pid of the process that listens on the socket, as the kernel says; None if none does."""
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
        f"{place}, the folder for the database's socket, belongs to somebody else. "
        "Remove it, or set TMPDIR to another folder for temporary files."
    )
