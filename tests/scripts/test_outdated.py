"""scripts/outdated.py, with a fake pip."""

import json
import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

LISTED = [
    {"name": "Django", "version": "5.2.1", "latest_version": "5.2.99"},
    {"name": "not-pinned", "version": "1", "latest_version": "2"},
]


def outdated(folder: Path, *, reachable: bool) -> list[str]:
    (folder / "pip.py").write_text(
        "import sys\n"
        f"if 'index' in sys.argv: sys.exit({int(not reachable)})\n"
        f"assert 'list' in sys.argv\nprint({json.dumps(LISTED)!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "scripts.outdated"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_newer_releases_of_pinned_packages_are_listed(tmp_path: Path) -> None:
    postgresql, package, count = outdated(tmp_path, reachable=True)
    assert "PostgreSQL" in postgresql
    assert package == "Django 5.2.1: 5.2.99 is available."
    assert count.startswith("1 of ")
    assert "`make lock ARGS=--upgrade`" in count


def test_without_the_package_index_it_says_so(tmp_path: Path) -> None:
    _, sentence = outdated(tmp_path, reachable=False)
    assert sentence == "The package index could not be reached, so nothing is known about newer packages."
