"""Run an import command until it has read its first row, as one measurement of benchmarks/one_side.py."""

import os
import runpy
import sys
from typing import Any, NoReturn

import django

_set_up = django.setup


def set_up(set_prefix: bool = True) -> None:
    """Set up Django, and make the function that opens a file read one row and exit."""
    _set_up(set_prefix)
    from healthtrack.imports import reading  # noqa: PLC0415 (Django must be set up first)

    original = reading.open_table

    def end_after_first_row(*arguments: Any, **options: Any) -> NoReturn:  # which differ between commits
        with original(*arguments, **options) as table:
            next(iter(table.batches))
            os._exit(0)

    for module in list(sys.modules.values()):  # modules that have imported the function already
        if vars(module).get("open_table") is original:
            module.open_table = end_after_first_row  # type: ignore[attr-defined]  # any module


if __name__ == "__main__":
    django.setup = set_up
    sys.argv = ["manage.py", "import_medical_records", sys.argv[1], "--dry-run"]
    runpy.run_path("manage.py", run_name="__main__")
    sys.exit("The import read no row.")
