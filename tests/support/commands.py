"""Run commands of `manage.py` as processes."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings


def run_manage(environment: Mapping[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, however it ends."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def manage(url: str, data: Path, *arguments: str, **variables: str) -> str:
    """Run a command that must succeed, with this database, and return its output."""
    ended = run_manage({**os.environ, "DATABASE_URL": url, "HEALTHTRACK_DATA_DIR": str(data), **variables}, *arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def run_script(environment: Mapping[str, str], script: str) -> None:
    """Run statements of Python in the shell of `manage.py`."""
    ended = run_manage(environment, "shell", "-v0", "-c", script)
    assert ended.returncode == 0, ended.stderr
