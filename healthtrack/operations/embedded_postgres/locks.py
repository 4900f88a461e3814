"""Lock files; the kernel releases a lock when the last process that holds it ends, even by SIGKILL."""

import fcntl
import os
from pathlib import Path


def open_private(file: Path, flags: int = 0) -> int:
    """Open the file for reading and writing, create it if it is missing, and return its descriptor (close-on-exec)."""
    # O_NOFOLLOW: as root we may work in a folder of another user, who could have put a link to any file there.
    flags |= os.O_RDWR | os.O_NOFOLLOW
    try:
        descriptor = os.open(file, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(file, flags)
    give_to_owner_of(file.parent, descriptor)
    return descriptor


def give_to_owner_of(folder: Path, descriptor: int) -> None:
    """As root, give the file to the owner of the folder, who may run HealthTrack in it later."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def acquire_shared(descriptor: int) -> None:
    """Wait until no process holds the lock exclusively, and hold it together with others."""
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def acquire(descriptor: int) -> None:
    """Wait until no other process holds the lock, and hold it exclusively."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_acquire(descriptor: int) -> bool:
    """Hold the lock exclusively, and return True, if no other process holds it; otherwise return False."""
    return _try(descriptor, fcntl.LOCK_EX)


def release(descriptor: int) -> None:
    """Release the lock."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def is_held(file: Path) -> bool:
    """Return whether a process holds the lock exclusively."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        return not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _try(descriptor: int, lock: int) -> bool:
    try:
        fcntl.flock(descriptor, lock | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
