"""The base class of the import commands."""

import codecs
import gc
import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from healthtrack.core.text import quote
from healthtrack.imports import registry
from healthtrack.imports.columns.date_cells import DateCells
from healthtrack.imports.columns.notation import DateOrder, DecimalMark
from healthtrack.imports.detection import names
from healthtrack.imports.fitting import get_better_importer
from healthtrack.imports.life_cycle.import_at_once import import_at_once
from healthtrack.imports.life_cycle.runs import Instructions
from healthtrack.imports.models import ImportRun, ReadingProfile, Stage, State
from healthtrack.imports.progress import NoProgress, Progress, compute_fraction_done
from healthtrack.imports.reading.table import HiddenRows, MergedCells
from healthtrack.imports.reading_plans import ReadingPlan
from healthtrack.imports.reasons import reason_text

_READING_OPTIONS = {
    "--profile": "the name of a profile that was saved for files with the same header",
    "--date-order": "the order of dates such as 03/04/1980: mdy (month first), dmy (day first), ydm (year, day)",
    "--date-cells": "how to read cells in which a spreadsheet may have exchanged day and month: as_shown or exchanged",
    "--decimal": "the decimal mark of numbers: point or comma",
    "--encoding": "the encoding of a text file, such as cp1252",
    "--delimiter": "the character between the cells of a text file, or tab",
    "--sheet": "the sheet of a workbook",
    "--hidden-rows": "whether to import the hidden rows of a sheet: import or leave_out",
    "--merged-cells": "what merged cells of a sheet hold in the rows below their first: repeat or empty",
    "--merged-columns": "what they hold in the columns beside their first: repeat or empty",
    "--header-row": "the number of the row with the names of the columns, from 1",
}
# By option: the part of the reading plan, and its values by what people write.
_CHOICES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "date_order": (names.ALL_DATE_ORDERS, {order: order for order in DateOrder}),
    "date_cells": (names.ALL_DATE_CELLS, {each: each for each in DateCells}),
    "decimal": (names.ALL_DECIMAL_MARKS, {mark: mark for mark in DecimalMark} | {m.sign: m for m in DecimalMark}),
    "hidden_rows": (names.HIDDEN_ROWS, {each: each for each in HiddenRows}),
    "merged_cells": (names.MERGED_CELLS, {each: each for each in MergedCells}),
    "merged_columns": (names.MERGED_COLUMNS, {each: each for each in MergedCells}),
}
_TEXTS = {"profile": names.PROFILE, "sheet": names.SHEET, "header_row": names.HEADER_ROW}
_BAR_WIDTH = 40
_CLEAR = "\r\x1b[K"  # clears the line


class ImportCommand(BaseCommand):
    """Imports a file, or several that make one upload, from the command line, with a registered importer."""

    importer: ClassVar[str]
    # The system checks import every page, which takes longer than importing a small file. `make check` runs them.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        _load(self.importer)
        importer = registry.get(self.importer)
        parser.add_argument("file", nargs="+", type=Path, help=importer.upload_hint())
        parser.add_argument("--dry-run", action="store_true", help="show what would change without changing anything")
        for option, description in _READING_OPTIONS.items():
            parser.add_argument(option, default="", help=description)
        parser.add_argument(
            "--word",
            action="append",
            default=[],
            metavar="WORD=MEANING",
            help=f"what a word means: {', '.join(importer.meanings)}; may be repeated",
        )
        if kinds := [warning.kind for warning in importer.warnings]:
            parser.add_argument(
                "--accept",
                action="append",
                choices=kinds,
                default=[],
                metavar="KIND",
                help=f"import rows with this kind of warning too; may be repeated: {', '.join(kinds)}",
            )
        parser.add_argument("--json", action="store_true", help="print the counts as one JSON object")

    def handle(
        self, *, file: Sequence[Path], dry_run: bool, json: bool, accept: Sequence[str] = (), **options: Any
    ) -> None:
        meanings = registry.get(self.importer).meanings
        answers = _get_answers(options) | dict(_parse_word(word, meanings) for word in options["word"])
        self._check_profile(answers.get(names.PROFILE, ""))
        instructions, track = Instructions(answers, accept), partial(show_progress, self.stderr)
        try:
            run = import_at_once(self.importer, file, dry_run=dry_run, instructions=instructions, track=track)
        except FileNotFoundError as error:
            raise CommandError(f"There is no file {error.filename or file[0]}.") from error
        except OSError as error:
            raise CommandError(f"The file {error.filename or file[0]} cannot be read: {error.strerror}.") from error
        report_run(self, run, dry_run=dry_run, as_json=json)

    def _check_profile(self, name: str) -> None:
        if name and not ReadingProfile.objects.filter(importer=self.importer, name=name).exists():
            raise CommandError(f"There is no profile {quote(name)} for these files.")


@cache  # the work is only needed once
def _load(importer: str) -> None:
    """Import what the importer needs, without collecting garbage: nearly all of it stays until the process ends."""
    gc.disable()
    registry.get(importer)
    gc.freeze()  # a collection can skip it
    gc.enable()


def report_run(command: BaseCommand, run: ImportRun, *, dry_run: bool, as_json: bool) -> None:
    """Print what an ended run did; raise CommandError if it imported nothing."""
    importer = registry.get(run.importer)
    summary = importer.summary(run)
    for sentence in (*importer.errors(run), *summary.notices, *importer.describe_assumptions(run).values()):
        command.stderr.write(sentence)
    if as_json:
        command.stdout.write(json.dumps(importer.as_json(run)))
    if run.invalid_count and run.read_count and not run.without_invalid:
        verb = "is" if run.invalid_count == 1 else "are"
        raise CommandError(
            f"Nothing was imported: {run.invalid_count:,} of {run.read_count:,} {importer.unit}s {verb} invalid."
        )
    if run.state in {State.REFUSED, State.FAILED}:
        if not run.error_count:
            command.stderr.write(reason_text(run.reason, run.reason_params))
        if better := get_better_importer(run):
            command.stderr.write(f"This looks like {better.label}. Import it with another command.")
        for question in ReadingPlan.from_json(run.plan).questions:
            wording = importer.wording(question)
            command.stderr.write(f"{wording.label} {wording.for_commands}")
        raise CommandError("Nothing was imported.")
    if not as_json:
        command.stdout.write("This would change:" if dry_run else "Imported:")
        command.stdout.write("\n".join(summary.lines))


def _get_answers(options: Mapping[str, str]) -> dict[str, str]:
    """Return what the options say about how to read the file. Raise CommandError if one of them says nothing."""
    answers: dict[str, str] = {}
    for option, (name, choices) in _CHOICES.items():
        if value := options[option]:
            if value not in choices:
                raise CommandError(f"--{option.replace('_', '-')} must be {' or '.join(choices)}.")
            answers[name] = choices[value]
    answers |= {name: options[option] for option, name in _TEXTS.items() if options[option]}
    if encoding := options["encoding"]:
        answers[names.ENCODING] = _find_codec(encoding)
    if delimiter := options["delimiter"]:
        answers[names.DELIMITER] = _check_delimiter(delimiter)
    if (row := answers.get(names.HEADER_ROW)) and not (row.isdecimal() and int(row)):
        raise CommandError("--header-row must be the number of a row, from 1.")
    return answers


def _parse_word(text: str, meanings: Mapping[str, str]) -> tuple[str, str]:
    """Return the name of the part, and the answer, of a word and its meaning."""
    word, _, meaning = text.rpartition("=")
    if not word or meaning.lower() not in meanings:
        raise CommandError(f"--word must be a word and its meaning, such as ja=yes: {' or '.join(meanings)}.")
    return names.word("", word.lower()), meanings[meaning.lower()]


def _check_delimiter(delimiter: str) -> str:
    character = {"tab": "\t"}.get(delimiter, delimiter)
    if len(character) != 1 or character in '"\r\n':
        raise CommandError("--delimiter must be one character, or tab.")
    return character


def _find_codec(encoding: str) -> str:
    try:
        "".encode(encoding)
        return codecs.lookup(encoding).name.replace("-", "_")
    except LookupError as error:
        raise CommandError(f"There is no encoding {quote(encoding)}. Choose one such as utf-8 or cp1252.") from error


class _ProgressBar:
    """A progress bar in one line of the terminal."""

    def __init__(self, terminal: OutputWrapper) -> None:
        self.terminal = terminal

    def begin(self, stage: Stage, total: int = 0, *, in_bytes: bool = False) -> None:
        self.stage, self.done, self.total = stage, 0, total
        self.advance(0)

    def advance(self, rows: int) -> None:
        self.done += rows
        done = round(_BAR_WIDTH * compute_fraction_done(self.stage, self.done, self.total))
        self.terminal.write(f"{_CLEAR}[{'#' * done}{'.' * (_BAR_WIDTH - done)}] {self.stage.label}", str, "")
        self.terminal.flush()


@contextmanager
def show_progress(terminal: OutputWrapper) -> Iterator[Progress]:
    """Show the progress as a bar if the output is a terminal."""
    if not terminal.isatty():
        yield NoProgress()
        return
    try:
        yield _ProgressBar(terminal)
    finally:
        terminal.write(_CLEAR, str, "")
