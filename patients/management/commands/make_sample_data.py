import csv
import os
from argparse import ArgumentTypeError
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from random import Random

from django.core.management.base import BaseCommand, CommandError, CommandParser

import patients.sample
import trackers.sample
from trackers.sample import SourceFile

# The last day of the source's own records; the day of the run would change the bytes from day to day.
LAST_DAY = date(2026, 6, 30)


class Command(BaseCommand):
    help = "Writes fitness_trackers.csv and medical_records.csv, all invented, in the form of the source files."
    requires_system_checks = []  # it needs neither tables nor pages

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="where to write both files; made if missing")
        parser.add_argument("--patients", type=_whole_number, required=True, metavar="N", help="how many")
        parser.add_argument(
            "--seed", type=_whole_number, default=1, help="the same number gives the same bytes (%(default)s)"
        )
        parser.add_argument(
            "--dates",
            choices=tuple(patients.sample.DATE_FORMS),
            default="source",
            help="the source's MM/DD/YYYY, iso's YYYY-MM-DD, or both mixed (%(default)s)",
        )
        parser.add_argument(
            "--until",
            type=_last_day,
            default=LAST_DAY,
            metavar="YYYY-MM-DD",
            help="no birth or appointment is later than this day (%(default)s)",
        )

    def handle(  # the option words are the parameters
        self, *, folder: Path, patients: int, seed: int, dates: str, until: date, **_: object
    ) -> None:
        files = _source_files(patients, seed, dates, until)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            rows = _write(folder, files)
        except FileExistsError as fault:
            raise CommandError(f"{folder} is a file; name a folder to write into.") from fault
        except OSError as fault:
            raise CommandError(f"The folder {folder} cannot be written: {fault.strerror}.") from fault
        for file, count in zip(files, rows, strict=True):
            self.stdout.write(f"Wrote {folder / file.name}: {count:,} rows.")


def _source_files(number: int, seed: int, dates: str, until: date) -> tuple[SourceFile, SourceFile]:
    # Each file draws from the seed by itself, so that neither changes with the other.
    catalogue_draws, record_draws = Random(seed), Random(seed)  # noqa: S311 -- invented data, no secret
    return (
        trackers.sample.source_file(catalogue_draws),
        patients.sample.source_file(record_draws, number, until, dates),
    )


def _write(folder: Path, files: Sequence[SourceFile]) -> list[int]:
    """Writes all the files or, where one cannot be written, leaves no part of any."""
    drafts = [folder / f".{file.name}.{os.getpid()}" for file in files]
    try:
        rows = [_write_draft(draft, file) for draft, file in zip(drafts, files, strict=True)]
        for draft, file in zip(drafts, files, strict=True):
            draft.replace(folder / file.name)
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
    return rows


def _write_draft(draft: Path, file: SourceFile) -> int:
    count = 0
    with draft.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(file.header)
        for row in file.rows:
            writer.writerow(row)
            count += 1
    return count


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ArgumentTypeError(f"{text!r} is no whole number of 0 or more.")
    return int(text)


def _last_day(text: str) -> date:
    earliest = patients.sample.EARLIEST_BIRTH
    try:
        day = date.fromisoformat(text)
    except ValueError as fault:
        raise ArgumentTypeError(f"{text!r} is no day; write it as YYYY-MM-DD.") from fault
    if day < earliest:
        raise ArgumentTypeError(f"{text} is too early; name a day from {earliest} on.")
    return day
