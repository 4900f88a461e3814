"""A place for clusters in memory: on a disk, tests that create clusters or databases wait for it most of their time."""

import os
import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 (only tests use it)
MIN_FREE_BYTES = 4_000_000_000  # twice what the log of a cluster may need


def quick_folder() -> Path | None:
    """Return a folder in memory for clusters, or None if this machine has none with enough space."""
    is_usable = os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free > MIN_FREE_BYTES
    return MEMORY if is_usable else None
