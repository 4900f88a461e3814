"""`manage.py worker`, with short intervals, so that tests need not wait long until it notices a dead worker.

With `--without-end` it never reaches the end of a file: it reads the first rows over and over.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import TypeVar

import django
from django.core.management import call_command

T = TypeVar("T")

WITHOUT_END = "--without-end"


def main() -> None:
    django.setup()
    from healthtrack.imports.life_cycle import heartbeat  # noqa: PLC0415 (Django must be set up first)
    from healthtrack.operations import worker  # noqa: PLC0415 (Django must be set up first)

    worker.HEARTBEAT_SECONDS, worker.UPKEEP_SECONDS, worker.GRACE_SECONDS = 0.3, 0.5, 0.2
    heartbeat.SILENT_SECONDS = 3.0
    if WITHOUT_END in sys.argv:
        read_without_end()
    call_command("worker", until_input_ends=True)


def read_without_end() -> None:
    from healthtrack.imports import reading  # noqa: PLC0415 (Django must be set up first)
    from healthtrack.imports.reading.table import FileStructure, Table  # noqa: PLC0415 (Django must be set up first)
    from healthtrack.imports.tables import engine  # noqa: PLC0415 (Django must be set up first)

    @contextmanager
    def open_endless(path: Path, structure: FileStructure) -> Iterator[Table]:
        with reading.open_table(path, structure) as table:
            table.batches = slowly(repeat(next(table.batches)))
            yield table

    vars(engine)["open_table"] = open_endless


def slowly(batches: Iterable[T]) -> Iterator[T]:
    for batch in batches:
        yield batch
        time.sleep(0.05)


if __name__ == "__main__":
    main()
