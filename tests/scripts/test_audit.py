"""scripts/audit.py, with a pip-audit that says what the test wants."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.conf import settings

SOUND = {"name": "django", "version": "5.2", "vulns": []}
UNKNOWN = {"name": "polars", "skip_reason": "not found"}
FLAWED = {"name": "lxml", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1", "2.0"]}]}
HOPELESS = {"name": "pickle", "version": "1.0", "vulns": [{"id": "CVE-2", "fix_versions": []}]}


STARS = "*" * 80


def audit(
    folder: Path, *packages: object, words: str = "", status: int = 0, options: Sequence[str] = ()
) -> tuple[int, list[str]]:
    answer = json.dumps({"dependencies": packages}) if packages else ""
    (folder / "pip_audit.py").write_text(
        f"import sys\nprint({answer!r})\nprint({words!r}, file=sys.stderr)\nsys.exit({status})\n"
    )
    done = subprocess.run(
        [sys.executable, "scripts/audit.py", "requirements/development.txt", *options],
        cwd=settings.BASE_DIR,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_sound_packages_pass(tmp_path: Path) -> None:
    assert audit(tmp_path, SOUND, UNKNOWN) == (0, ["1 pinned packages audited; nothing is known of 1."])


def test_a_known_flaw_fails_and_is_named_with_the_way_out(tmp_path: Path) -> None:
    status, lines = audit(tmp_path, SOUND, FLAWED, HOPELESS, status=1)
    assert status == 1
    assert lines[:2] == ["lxml 1.0: CVE-1, mended in 1.1, 2.0", "pickle 1.0: CVE-2, mended in no version"]


def test_an_index_that_knows_nothing_of_flaws_is_told(tmp_path: Path) -> None:
    sentence = "The pinned packages were NOT AUDITED for known flaws: nothing is known of any of them here."
    assert audit(tmp_path, UNKNOWN) == (0, [STARS, sentence, STARS])


@pytest.mark.parametrize("words", ["Traceback …\nConnectionError: no network", ""])
def test_where_nobody_can_be_asked_it_says_so_and_passes(tmp_path: Path, words: str) -> None:
    reason = words.splitlines()[-1] if words else "it gave no reason"
    sentence = f"The pinned packages were NOT AUDITED for known flaws: {reason}"
    assert audit(tmp_path, words=words, status=1) == (0, [STARS, sentence, STARS])


def test_where_the_audit_is_required_it_fails_when_it_cannot_run(tmp_path: Path) -> None:
    assert audit(tmp_path, words="no network", status=1, options=["--required"])[0] == 1
    assert audit(tmp_path, UNKNOWN, options=["--required"])[0] == 1
    assert audit(tmp_path, SOUND, options=["--required"])[0] == 0
