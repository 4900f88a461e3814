"""Measure the memory that a process of its own needs for files."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

_MEASURE = r"""
import re, resource, sys
from pathlib import Path
import django
django.setup()

def peak():
    # getrusage would begin with the memory of the process that started this one.
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) // 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**20

{definition}

first, *others = map(Path, sys.argv[1:])
use(first)
for path in others:
    before = peak()
    result = use(path)  # until the peak is known
    print(path.stem, peak() - before, sep="\t")
"""


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
