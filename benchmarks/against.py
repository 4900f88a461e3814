"""Compare parts of the benchmarks with another commit: `make bench ARGS="--against REV --patients N PARTS"`.

Each side is a checkout with its own environment, embedded PostgreSQL and data. The sides take turns, so that a
change of the machine's speed affects both. The result is the median of the ratios of all pairs.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, mkdtemp
from types import TracebackType
from typing import Any, Self

PROJECT = Path(__file__).resolve().parent.parent
WORKTREES = PROJECT / "var" / "benchmarks"
ONE_SIDE = PROJECT / "benchmarks" / "one_side.py"
SERVER_RIGHTS = PROJECT / "benchmarks" / "server_rights.py"
PARTS = ("startup", "imports", "runs", "reports", "records", "home", "search", "sign-in")
PAIRS = 5


def compare(revision: str, patients: int, parts: Sequence[str]) -> None:
    """Print, for each figure of each part, how long this checkout takes as a multiple of the other commit."""
    with ExitStack() as stack:
        other = stack.enter_context(_worktree(revision))
        files = Path(stack.enter_context(TemporaryDirectory()))
        _run(PROJECT, "manage.py", "make_sample_data", str(files), "--patients", str(patients))
        sides = [stack.enter_context(Side(checkout, files)) for checkout in (PROJECT, other)]
        print(f"This checkout beside {revision}, {patients:,} patients, median of {PAIRS} pairs:")
        for part in parts or PARTS:
            _compare_part(part, *sides)


def _compare_part(part: str, ours: "Side", theirs: "Side") -> None:
    for side in (ours, theirs):
        side.prepare(part)
    pairs: dict[str, list[tuple[float, float]]] = {}
    for turn in range(PAIRS):
        order = (ours, theirs) if turn % 2 == 0 else (theirs, ours)
        taken = {side: side.measure(part) for side in order}
        for figure, seconds in taken[ours].items():
            pairs.setdefault(figure, []).append((seconds, taken[theirs][figure]))
    for figure, of_figure in pairs.items():
        ratios = [ours_took / theirs_took for ours_took, theirs_took in of_figure]
        ours_took, theirs_took = (median(side) * 1000 for side in zip(*of_figure, strict=True))
        print(
            f"  {figure}: {median(ratios):.2f} x ({min(ratios):.2f} to {max(ratios):.2f}),"
            f" {ours_took:,.0f} ms beside {theirs_took:,.0f} ms",
            flush=True,
        )


class Side:
    """A process that measures one checkout, one part at a time, in its own database."""

    def __init__(self, checkout: Path, files: Path) -> None:
        self.data = Path(mkdtemp(prefix="healthtrack-"))
        self.data.chmod(0o755)  # if root runs this, PostgreSQL runs as another user
        environment = _environment(checkout, self.data)
        subprocess.run([_python(checkout), "-P", str(SERVER_RIGHTS)], cwd=checkout, env=environment, check=True)
        self.process = subprocess.Popen(
            [_python(checkout), "-P", str(ONE_SIDE), str(files)],
            cwd=checkout,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def prepare(self, part: str) -> None:
        self._ask("prepare", part)

    def measure(self, part: str) -> dict[str, float]:
        """Return the seconds of each figure of the part."""
        seconds: dict[str, float] = self._ask("measure", part)
        return seconds

    def _ask(self, what: str, part: str) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{what} {part}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"The process that measures {what} {part} ended with status {self.process.wait()}.")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()
        shutil.rmtree(self.data, ignore_errors=True)


@contextmanager
def _worktree(revision: str) -> Iterator[Path]:
    """Check out the commit below var/ and install its environment; both stay there for the next comparison."""
    commit = _git("rev-parse", "--verify", f"{revision}^{{commit}}")
    checkout = WORKTREES / commit
    if not checkout.exists():
        _git("worktree", "prune")
        _git("worktree", "add", "--detach", str(checkout), commit)
    subprocess.run(["make", "install"], cwd=checkout, check=True, stdout=subprocess.DEVNULL)
    yield checkout


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def _run(checkout: Path, *arguments: str) -> None:
    subprocess.run([_python(checkout), *arguments], cwd=checkout, check=True, stdout=subprocess.DEVNULL)


def _python(checkout: Path) -> str:
    return str(checkout / ".venv" / "bin" / "python")


def _environment(checkout: Path, data: Path) -> dict[str, str]:
    unset = {name for name in os.environ if name.startswith(("HEALTHTRACK_", "DATABASE_"))}
    unset.add("PYTHONDONTWRITEBYTECODE")  # otherwise each command compiles all modules again, as no installed one does
    return {
        **{name: value for name, value in os.environ.items() if name not in unset},
        "DJANGO_SETTINGS_MODULE": "healthtrack.settings",
        "HEALTHTRACK_DATA_DIR": str(data),
        "HEALTHTRACK_SECRET_KEY": "a key for the benchmarks",
        "HEALTHTRACK_SECOND_FACTOR": "0",  # the client skips the sign-in pages
        "PYTHONPATH": str(checkout),
    }
