"""Locks that the kernel drops by itself when the last process that holds them is gone, kill -9 included."""

import fcntl
import os
from pathlib import Path


def open_private(file: Path, flags: int = 0) -> int:
    """Opened for reading and writing, made when missing; close-on-exec, as every file that Python opens."""
    # As root we may stand in a folder of another user, who could have put a link to any file there.
    flags |= os.O_RDWR | os.O_NOFOLLOW
    try:
        descriptor = os.open(file, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(file, flags)
    hand_to_owner_of(file.parent, descriptor)
    return descriptor


def hand_to_owner_of(folder: Path, descriptor: int) -> None:
    """What root makes in the folder of another user belongs to that user, who goes on with it later."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def share(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def take(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_take(descriptor: int) -> bool:
    return _try(descriptor, fcntl.LOCK_EX)


def release(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def is_taken(file: Path) -> bool:
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
