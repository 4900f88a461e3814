"""The users as which tests start the embedded PostgreSQL."""

import os
import shutil
import subprocess
from collections.abc import Sequence

import pytest

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="a normal user's server is always that user's")


def normal_user() -> Sequence[str]:
    """Return the words before a command that run it as a normal user; skip the test if this machine has no way to."""
    if os.geteuid() != 0:
        return ()
    # In the namespace, root's files belong to this user, so that it can run the interpreter wherever root installed it.
    become = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
    if not shutil.which("unshare") or subprocess.run([*become, "true"], check=False).returncode:
        pytest.skip("this machine does not let root switch to another user")
    return become
