"""The questions that files of readings leave open: whose they are, in which time zone, and in which units."""

import zoneinfo
from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone

from healthtrack.imports.answers import AnswersForm
from healthtrack.imports.importer import Question, QuestionWording, ReadingPlan
from patients.models import MedicalRecord
from readings.importing.checking import Answers, Missing
from readings.models import Metric
from readings.units import get_different_units

PATIENT, ZONE, UNIT = "patient", "zone", "unit:"
ONLY_PATIENT = "only_patient"  # the answer of a patient's page: whoever else a file names is an error


def get_answers(stored: Mapping[str, str]) -> Answers:
    """Return the answers that a run stores."""
    units = {name.removeprefix(UNIT): value for name, value in stored.items() if name.startswith(UNIT)}
    only = stored.get(ONLY_PATIENT, "")
    return Answers(only or stored.get(PATIENT, ""), stored.get(ZONE, ""), units, is_only_patient=bool(only))


def make_plan(missing: Missing) -> ReadingPlan:
    """Return the plan with a question for everything that the files do not say."""
    questions = [Question(PATIENT, [])] if missing.patient else []
    questions += [Question(ZONE, [])] if missing.zone else []
    metrics = Metric.objects.filter(Q(code__in=missing.units) | Q(loinc__in=missing.units)).order_by("code")
    questions += [Question(f"{UNIT}{metric.code}", get_different_units(metric.unit)) for metric in metrics]
    return ReadingPlan([], questions)


def get_wording(question: Question) -> QuestionWording:
    """Return the words of a question."""
    if question.name == PATIENT:
        return QuestionWording(
            "Whose readings are these?", {}, "The number of the patient's record.", "Answer with --patient NUMBER."
        )
    if question.name == ZONE:
        return QuestionWording(
            "In which time zone are the times?",
            {},
            "The file has local times without a UTC offset.",
            "Answer with --zone, such as --zone Europe/Berlin.",
        )
    code = question.name.removeprefix(UNIT)
    label = Metric.objects.get(code=code).label
    return QuestionWording(
        f"In which unit are the values of {label.lower()}?",
        {choice: choice for choice in question.choices},
        "",
        f"Answer with --unit {code}=UNIT: {', '.join(question.choices)}.",
    )


def _list_zones() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the groups of time zones: that of the person whose request this is, and all."""
    zones = {zone: zone.replace("_", " ") for zone in sorted(zoneinfo.available_timezones())}
    own = timezone.get_current_timezone_name()
    return [("Yours", [(own, zones[own])])] * (own in zones) + [("All", [*zones.items()])]


class ReadingsAnswersForm(AnswersForm):
    """The questions of a plan; the patient is a number, and the time zone comes from the list of all zones."""

    template = "readings/questions.html"

    def __init__(self, plan: ReadingPlan, data: QueryDict | None = None) -> None:
        super().__init__(ReadingPlan([], [each for each in plan.questions if each.choices]), get_wording, data)
        names = [each.name for each in plan.questions]
        if PATIENT in names:
            wording = get_wording(Question(PATIENT, []))
            self.fields[PATIENT] = forms.CharField(label=wording.label, help_text=wording.help, max_length=50)
        if ZONE in names:
            wording = get_wording(Question(ZONE, []))
            self.fields[ZONE] = forms.ChoiceField(
                label=wording.label,
                help_text=wording.help,
                choices=[("", "Choose a time zone"), *_list_zones()],
            )
        self.order_fields(names)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (number := cleaned.get(PATIENT)) and not MedicalRecord.objects.filter(pk=number).exists():
            self.add_error(PATIENT, "No record has this number.")
        return cleaned
