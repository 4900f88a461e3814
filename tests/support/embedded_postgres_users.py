"""The users as which tests start the embedded PostgreSQL."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from healthtrack.operations.embedded_postgres import binaries

CURRENT_USER, NORMAL_USER, ROOT_WITHOUT_NAMESPACES = "current user", "normal user", "root without namespaces"


def runner(name: str) -> Sequence[str]:
    """Return the words before a command that run it as that user; skip the test if this machine has no way to."""
    if name == CURRENT_USER:
        return ()
    if name == NORMAL_USER:
        return _normal_user()
    if os.geteuid() != 0:
        pytest.skip("only root can be in this case")
    if not _others_may_enter(binaries.find()):
        pytest.skip("other users may not enter the folder of the PostgreSQL programs")
    return (sys.executable, "-m", "tests.support.without_namespaces")


def _normal_user() -> Sequence[str]:
    if os.geteuid() != 0:
        return ()
    # In the namespace, root's files belong to this user, so that it can run the interpreter wherever root installed it.
    become = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
    if not shutil.which("unshare") or subprocess.run([*become, "true"], check=False).returncode:
        pytest.skip("this machine does not let root switch to another user")
    return become


def _others_may_enter(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))
