from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from django.core.management.base import BaseCommand, CommandError

from healthtrack.core.text import quote
from healthtrack.imports import commands
from healthtrack.imports.life_cycle.import_at_once import import_at_once
from healthtrack.imports.life_cycle.runs import Instructions
from patients.models import MedicalRecord
from readings.importing.importer import NAME
from readings.importing.questions import PATIENT, UNIT, ZONE
from readings.models import Metric
from readings.units import get_units


class Command(BaseCommand):
    help = (
        "Import readings from exports of makers of devices, or from CSV or NDJSON files; also in gzip, zip or tar"
        " files. All files of a command are one import."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
        parser.add_argument("--patient", default="", help="whose readings they are, if the files name nobody")
        parser.add_argument("--zone", default="", help="the time zone of times without a UTC offset: Europe/Berlin")
        parser.add_argument(
            "--unit",
            action="append",
            default=[],
            metavar="METRIC=UNIT",
            help="the unit of a metric where a file states none: glucose=mg/dL; may be repeated",
        )
        parser.add_argument(
            "--skip-unreadable", action="store_true", help="import the rest if some rows are unreadable"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would change without changing anything")
        parser.add_argument("--json", action="store_true", help="print the counts as one JSON object")

    def handle(
        self, *, files: Sequence[Path], skip_unreadable: bool, dry_run: bool, json: bool, **options: Any
    ) -> None:
        answers = get_answers(options["patient"], options["zone"], options["unit"])
        instructions = Instructions(answers, without_invalid=skip_unreadable)
        track = partial(commands.show_progress, self.stderr)
        try:
            run = import_at_once(NAME, files, dry_run=dry_run, instructions=instructions, track=track)
        except OSError as error:
            raise CommandError(f"The file {error.filename} cannot be read: {error.strerror}.") from error
        commands.report_run(self, run, dry_run=dry_run, as_json=json)


def get_answers(patient: str, zone: str, units: Sequence[str]) -> dict[str, str]:
    """Return the answers to the questions of a plan. Raise CommandError if one of them answers nothing."""
    answers: dict[str, str] = {}
    if patient:
        if not MedicalRecord.objects.filter(pk=patient).exists():
            raise CommandError(f"No record has the number {quote(patient)}.")
        answers[PATIENT] = patient
    if zone:
        if zone not in available_timezones():
            raise CommandError(f"There is no time zone {quote(zone)}. Write it as Europe/Berlin.")
        answers[ZONE] = zone
    for assignment in units:
        code, _, unit = assignment.partition("=")
        metric = Metric.objects.filter(code=code).first()
        if metric is None:
            raise CommandError(f"There is no metric {quote(code)}. Write --unit as glucose=mg/dL.")
        if unit not in get_units(metric.unit):
            raise CommandError(f"--unit {code} must be one of {', '.join(get_units(metric.unit))}.")
        answers[f"{UNIT}{code}"] = unit
    return answers
