"""The measurement of coverage lets a run fail that covers too little of the program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OPTIONS = """
[tool.slipcover]
branch = true
source = ["program"]
omit = ["*/migrations/*"]
fail-under = 80
exclude-also = ["raise NotImplementedError"]
"""
PROGRAM = """
def describe(number):
    if number > 0:
        return "positive"
    if number < 0:
        return "negative"
    return "zero"


def unused():
    raise NotImplementedError
"""
NOT_IMPORTED = "first = 1\nsecond = 2\n"


def run(project: Path, numbers: list[int]) -> tuple[int, str]:
    """Measure a run of tests that describe these numbers, in two workers; return its exit status and output."""
    for name, text in {"__init__": "", "words": PROGRAM, "migrations/__init__": NOT_IMPORTED}.items():
        file = project / "program" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (project / "pyproject.toml").write_text(OPTIONS)
    calls = "".join(f"def test_{i}():\n    assert describe({number})\n" for i, number in enumerate(numbers))
    (project / "test_words.py").write_text(f"from program.words import describe\n{calls}")
    plugins = ("-p", "no:django", "-p", "tests.support.coverage_plugin")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-n2", *plugins],
        cwd=project,
        env={**environment, "PYTHONPATH": f"{ROOT}{os.pathsep}{project}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return finished.returncode, finished.stdout + finished.stderr


def test_a_run_that_covers_enough_passes(tmp_path: Path) -> None:
    status, output = run(tmp_path, [1, -1, 0])
    assert "The tests cover 100.00 % of lines and branches; 80 % are needed." in output
    assert status == pytest.ExitCode.OK


def test_a_run_that_covers_too_little_fails_and_names_the_lines(tmp_path: Path) -> None:
    status, output = run(tmp_path, [1])
    assert "words.py" in output
    assert "5-7" in output
    assert "80 % are needed." in output
    assert status == pytest.ExitCode.TESTS_FAILED


def test_files_that_no_test_imports_count_as_not_covered(tmp_path: Path) -> None:
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "forgotten.py").write_text(NOT_IMPORTED * 9)
    status, output = run(tmp_path, [1, -1, 0])
    assert "forgotten.py" in output
    assert status == pytest.ExitCode.TESTS_FAILED
