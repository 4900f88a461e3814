"""The users as whom the embedded PostgreSQL is started."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from healthtrack.operations.embedded_postgres import binaries

AS_WE_ARE, NORMAL_USER, ROOT_WITHOUT_NAMESPACES = "as we are", "normal user", "root without namespaces"


def runner(name: str) -> Sequence[str]:
    """What makes a command run as that user; skips the test where this machine offers no way."""
    if name == AS_WE_ARE:
        return ()
    if name == NORMAL_USER:
        return _normal_user()
    if os.geteuid() != 0:
        pytest.skip("only root meets this case")
    if not _others_may_enter(binaries.find()):
        pytest.skip("others may not enter the folder of the PostgreSQL programs")
    return (sys.executable, "-m", "tests.support.without_namespaces")


def _normal_user() -> Sequence[str]:
    if os.geteuid() != 0:
        return ()
    # Root's files are this user's own, so that the interpreter is found wherever root has installed it.
    become = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
    if not shutil.which("unshare") or subprocess.run([*become, "true"], check=False).returncode:
        pytest.skip("this machine lets root become nobody else in passing")
    return become


def _others_may_enter(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))
