import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from healthtrack.imports.resources import SetResource
from healthtrack.imports.results import ImportResult


class ImportCommand(BaseCommand):
    """The import of one kind of file from the command line."""

    resource_class: ClassVar[type[SetResource]]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a CSV, TSV or XLSX file")
        parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
        parser.add_argument("--json", action="store_true", help="print the counts as one JSON object")

    def handle(self, *, file: Path, dry_run: bool, json: bool, **_: Any) -> None:  # noqa: ANN401
        try:
            result = self.resource_class().import_data(file, dry_run=dry_run)
        except FileNotFoundError as fault:
            raise CommandError(f"There is no file {file}.") from fault
        except OSError as fault:
            raise CommandError(f"The file {file} cannot be read: {fault.strerror}.") from fault
        self._report(result, dry_run=dry_run, as_json=json)
        if result.rows_faulty:
            verb = "is" if result.rows_faulty == 1 else "are"
            raise CommandError(
                f"Nothing was imported: {result.rows_faulty:,} of {result.rows_read:,} rows {verb} faulty."
            )
        if result.faults:
            raise CommandError("Nothing was imported.")

    def _report(self, result: ImportResult, *, dry_run: bool, as_json: bool) -> None:
        for fault in result.faults:
            self.stderr.write(str(fault))
        for notice in result.notices:
            self.stderr.write(notice)
        if as_json:
            self.stdout.write(json.dumps(result.as_json()))
        elif not result.faults:
            self.stdout.write("This would change:" if dry_run else "Imported:")
            self.stdout.write("\n".join(result.summary()))
