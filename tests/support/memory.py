"""Measure the memory that a process of its own needs for files."""

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

_MEASURE = r"""
import sys
from pathlib import Path
import django
django.setup()
from tests.support.memory import peak_megabytes

{definition}

first, *others = map(Path, sys.argv[1:])
use(first)
for path in others:
    before = peak_megabytes()
    result = use(path)  # until the peak is known
    print(path.stem, peak_megabytes() - before, sep="\t")
"""


def peak_megabytes(process: int | str = "self") -> int:
    """Return the most megabytes of memory that a process has used; without Linux, that of this process."""
    # getrusage would begin with the memory of the process that started this one.
    status = Path(f"/proc/{process}/status")
    if status.exists():
        (peak,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak) // 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**20


def measure_peaks(definition: str, files: list[Path], variables: Mapping[str, str]) -> dict[str, int]:
    """Return by how many megabytes each file but the first raises the peak of a process, by the file's name.

    `definition` is Python that defines `use`, a function of a file's path.
    """
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE.replace("{definition}", definition), *files],
        cwd=settings.BASE_DIR,
        env={**os.environ, **variables, "DJANGO_SETTINGS_MODULE": "healthtrack.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    megabytes = {name: int(count) for name, count in (line.split("\t") for line in done.stdout.splitlines())}
    assert len(megabytes) == len(files) - 1
    return megabytes
