"""scripts/audit.py, with a fake pip-audit."""

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
VULNERABLE = {"name": "lxml", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1", "2.0"]}]}
WITHOUT_FIX = {"name": "pickle", "version": "1.0", "vulns": [{"id": "CVE-2", "fix_versions": []}]}


STARS = "*" * 80


def audit(
    folder: Path, *packages: object, error_output: str = "", status: int = 0, options: Sequence[str] = ()
) -> tuple[int, list[str]]:
    answer = json.dumps({"dependencies": packages}) if packages else ""
    (folder / "pip_audit.py").write_text(
        f"import sys\nprint({answer!r})\nprint({error_output!r}, file=sys.stderr)\nsys.exit({status})\n"
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


def test_packages_without_vulnerabilities_pass(tmp_path: Path) -> None:
    assert audit(tmp_path, SOUND, UNKNOWN) == (0, ["1 pinned packages audited; no data on 1."])


def test_a_vulnerability_fails_and_is_named_with_its_fix(tmp_path: Path) -> None:
    status, lines = audit(tmp_path, SOUND, VULNERABLE, WITHOUT_FIX, status=1)
    assert status == 1
    assert lines[:2] == ["lxml 1.0: CVE-1, fixed in 1.1, 2.0", "pickle 1.0: CVE-2, fixed in no version"]


def test_an_index_without_data_is_reported(tmp_path: Path) -> None:
    sentence = (
        "The pinned packages were NOT AUDITED for known vulnerabilities: the package index has no data on any of them."
    )
    assert audit(tmp_path, UNKNOWN) == (0, [STARS, sentence, STARS])


@pytest.mark.parametrize("error_output", ["Traceback …\nConnectionError: no network", ""])
def test_without_a_network_it_says_so_and_passes(tmp_path: Path, error_output: str) -> None:
    reason = error_output.splitlines()[-1] if error_output else "it gave no reason"
    sentence = f"The pinned packages were NOT AUDITED for known vulnerabilities: {reason}"
    assert audit(tmp_path, error_output=error_output, status=1) == (0, [STARS, sentence, STARS])


def test_a_required_audit_fails_if_it_cannot_run(tmp_path: Path) -> None:
    assert audit(tmp_path, error_output="no network", status=1, options=["--required"])[0] == 1
    assert audit(tmp_path, UNKNOWN, options=["--required"])[0] == 1
    assert audit(tmp_path, SOUND, options=["--required"])[0] == 0
