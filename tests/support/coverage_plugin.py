"""A plugin of pytest that measures which lines and branches of the program the tests run, and refuses too few.

`make test` loads it with `-p`, before anything imports the program. It measures in the workers of pytest-xdist, not in
the programs that tests start. Its options are below `tool.slipcover` in pyproject.toml.
"""

import io
import json
import os
from typing import Any

import pytest
import slipcover
from slipcover.config import read_config

COVERED = pytest.StashKey[dict[str, Any]]()
OPTIONS = read_config()
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ

# The process that starts the workers adds the files that none of them has imported.
measurement = slipcover.Slipcover(
    branch=OPTIONS["branch"],
    source=None if IS_WORKER else OPTIONS["source"],
    omit=OPTIONS["omit"],
    exclude_also=OPTIONS["exclude-also"],
)
covered_by_workers: list[dict[str, Any]] = []

if IS_WORKER:
    files = slipcover.FileMatcher(sources=OPTIONS["source"], omit=OPTIONS["omit"])
    slipcover.ImportManager(measurement, files).__enter__()


def pytest_configure(config: pytest.Config) -> None:
    if not IS_WORKER and not config.getoption("numprocesses"):
        raise pytest.UsageError("Coverage is measured in workers only. Use -n1 instead of -n0.")


def pytest_testnodedown(node: Any) -> None:
    # A worker that crashed has sent nothing; the run fails because of its test.
    if covered := getattr(node, "workeroutput", {}).get("coverage"):
        covered_by_workers.append(json.loads(covered))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send what a worker has covered, or let the run fail if all workers together have covered too little."""
    if IS_WORKER:
        session.config.workeroutput["coverage"] = json.dumps(measurement.get_coverage())  # type: ignore[attr-defined]  # of xdist
        return
    covered = measurement.get_coverage()
    for of_worker in covered_by_workers:
        slipcover.merge_coverage(covered, of_worker)
    session.config.stash[COVERED] = covered
    if session.exitstatus == pytest.ExitCode.OK and _percent(covered) < OPTIONS["fail-under"]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List the files with lines and branches that no test runs, and say whether all tests together run enough."""
    covered = config.stash[COVERED]
    table = io.StringIO()
    slipcover.print_coverage(covered, outfile=table, skip_covered=True)
    terminalreporter.write_line(table.getvalue())
    percent, needed = _percent(covered), OPTIONS["fail-under"]
    terminalreporter.write_line(f"The tests cover {percent:.2f} % of lines and branches; {needed} % are needed.")


def _percent(covered: dict[str, Any]) -> float:
    return float(covered["summary"]["percent_covered"])
