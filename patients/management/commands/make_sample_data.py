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

# The last day of the source's own records. With today's date the files would differ from day to day.
LAST_DAY = date(2026, 6, 30)


class Command(BaseCommand):
    help = "Write invented data in the format of the source files: fitness_trackers.csv and medical_records.csv."
    requires_system_checks = []  # it needs neither tables nor pages

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="where to write both files; created if missing")
        parser.add_argument("--patients", type=_whole_number, required=True, metavar="N", help="number of patients")
        parser.add_argument(
            "--seed", type=_whole_number, default=1, help="the same number gives the same files (default: %(default)s)"
        )
        parser.add_argument(
            "--dates",
            choices=tuple(patients.sample.DATE_FORMS),
            default="source",
            help="source: MM/DD/YYYY, iso: YYYY-MM-DD, mixed: both (default: %(default)s)",
        )
        parser.add_argument(
            "--until",
            type=_last_day,
            default=LAST_DAY,
            metavar="YYYY-MM-DD",
            help="the last day for births and appointments (default: %(default)s)",
        )

    def handle(  # the option words are the parameters
        self, *, folder: Path, patients: int, seed: int, dates: str, until: date, **_: object
    ) -> None:
        files = _make_source_files(patients, seed, dates, until)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            rows = _write(folder, files)
        except FileExistsError as error:
            raise CommandError(f"{folder} is a file. Give a folder to write into.") from error
        except OSError as error:
            raise CommandError(f"Cannot write to the folder {folder}: {error.strerror}.") from error
        for file, count in zip(files, rows, strict=True):
            self.stdout.write(f"Wrote {folder / file.name}: {count:,} rows.")


def _make_source_files(number: int, seed: int, dates: str, until: date) -> tuple[SourceFile, SourceFile]:
    # Each file has a generator of its own, so that a change to one file leaves the other as it is.
    catalogue_draws, record_draws = Random(seed), Random(seed)  # noqa: S311 -- invented data, no secret
    return (
        trackers.sample.make_source_file(catalogue_draws),
        patients.sample.make_source_file(record_draws, number, until, dates),
    )


def _write(folder: Path, files: Sequence[SourceFile]) -> list[int]:
    """Write all files, or none if one of them cannot be written. Return their numbers of rows."""
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
        raise ArgumentTypeError(f"{text!r} is not a whole number of 0 or more.")
    return int(text)


def _last_day(text: str) -> date:
    earliest = patients.sample.EARLIEST_BIRTH
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a valid date. Use YYYY-MM-DD.") from error
    if day < earliest:
        raise ArgumentTypeError(f"{text} is too early. The first possible day is {earliest}.")
    return day
