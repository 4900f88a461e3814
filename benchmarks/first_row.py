"""Run an import command until it has read its first row, as one measurement of benchmarks/one_side.py."""

import os
import runpy
import sys
from typing import Any, NoReturn

import django

_set_up = django.setup


def set_up(set_prefix: bool = True) -> None:
    """Set up Django, and make the command end after its first row."""
    _set_up(set_prefix)
    from django.core.management import BaseCommand  # noqa: PLC0415  (manage.py switches off the collection first)

    execute = BaseCommand.execute

    def execute_until_first_row(command: BaseCommand, *arguments: Any, **options: Any) -> str | None:
        end_after_first_row()
        return execute(command, *arguments, **options)

    BaseCommand.execute = execute_until_first_row  # type: ignore[assignment, method-assign]  # mypy compares the names of parameters


def end_after_first_row() -> None:
    """Make the function that opens a file read one row and exit."""
    from healthtrack.imports import reading  # noqa: PLC0415  (Django must be set up first)

    original = reading.open_table

    def end(*arguments: Any, **options: Any) -> NoReturn:  # which differ between commits
        with original(*arguments, **options) as table:
            next(iter(table.batches))
            os._exit(0)

    for module in list(sys.modules.values()):  # modules that have imported the function already
        if vars(module).get("open_table") is original:
            module.open_table = end  # type: ignore[attr-defined]  # any module


if __name__ == "__main__":
    django.setup = set_up
    sys.argv = ["manage.py", "import_medical_records", sys.argv[1], "--dry-run"]
    runpy.run_path("manage.py", run_name="__main__")
    sys.exit("The import read no row.")
