"""Run commands of `manage.py` as processes."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings


def manage(url: str, data: Path, *arguments: str, **variables: str) -> str:
    environment = {**os.environ, "DATABASE_URL": url, "HEALTHTRACK_DATA_DIR": str(data), **variables}
    result = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
