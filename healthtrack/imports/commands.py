import json
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from healthtrack.imports import runs
from healthtrack.imports.models import ImportRun, Stage, State
from healthtrack.imports.progress import Progress, Unobserved, fraction_done
from healthtrack.imports.resources import SetResource

_BAR_WIDTH = 40
_CLEAR = "\r\x1b[K"  # the line


class ImportCommand(BaseCommand):
    """The import of one kind of file from the command line."""

    resource_class: ClassVar[type[SetResource]]
    # The checks import every page, which takes longer than the import of a small file; `make check` runs them.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a CSV, TSV or XLSX file")
        parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
        parser.add_argument("--json", action="store_true", help="print the counts as one JSON object")

    def handle(self, *, file: Path, dry_run: bool, json: bool, **_: Any) -> None:
        try:
            run = runs.import_at_once(
                self.resource_class(),
                file,
                dry_run=dry_run,
                watching=partial(_shown, self.stderr),
                tell=lambda fault: self.stderr.write(str(fault)),
            )
        except FileNotFoundError as fault:
            raise CommandError(f"There is no file {file}.") from fault
        except OSError as fault:
            raise CommandError(f"The file {file} cannot be read: {fault.strerror}.") from fault
        self._report(run, dry_run=dry_run, as_json=json)

    def _report(self, run: ImportRun, *, dry_run: bool, as_json: bool) -> None:
        for notice in run.notices:
            self.stderr.write(notice)
        if as_json:
            self.stdout.write(json.dumps(run.as_json()))
        if run.rows_faulty and run.rows_read:
            verb = "is" if run.rows_faulty == 1 else "are"
            raise CommandError(f"Nothing was imported: {run.rows_faulty:,} of {run.rows_read:,} rows {verb} faulty.")
        if run.state in {State.REFUSED, State.FAILED}:
            raise CommandError("Nothing was imported.")
        if not as_json:
            self.stdout.write("This would change:" if dry_run else "Imported:")
            self.stdout.write("\n".join(run.summary()))


class _Bar:
    def __init__(self, terminal: OutputWrapper) -> None:
        self.terminal = terminal

    def begin(self, stage: Stage, total: int = 0) -> None:
        self.stage, self.done, self.total = stage, 0, total
        self.advance(0)

    def advance(self, rows: int) -> None:
        self.done += rows
        done = round(_BAR_WIDTH * fraction_done(self.stage, self.done, self.total))
        self.terminal.write(f"{_CLEAR}[{'#' * done}{'.' * (_BAR_WIDTH - done)}] {self.stage.label}", str, "")
        self.terminal.flush()


@contextmanager
def _shown(terminal: OutputWrapper) -> Iterator[Progress]:
    """As a bar where somebody looks on."""
    if not terminal.isatty():
        yield Unobserved()
        return
    try:
        yield _Bar(terminal)
    finally:
        terminal.write(_CLEAR, str, "")
