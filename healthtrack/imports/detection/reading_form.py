"""The form of the page "How this file is read": every part with its choices, beside the first rows."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django import forms
from django.forms import BoundField
from django.http import QueryDict

from healthtrack.core.forms.fields import CleanedCharField
from healthtrack.imports.answers import AnswersForm
from healthtrack.imports.columns.plan import Column
from healthtrack.imports.detection import names
from healthtrack.imports.detection.choices import get_choices
from healthtrack.imports.detection.labels import get_label
from healthtrack.imports.detection.reading import FileReading
from healthtrack.imports.detection.reasons import Why, describe_reason
from healthtrack.imports.detection.sample import Sample, read_sample
from healthtrack.imports.profiles import MAX_NAME_LENGTH
from healthtrack.imports.reading_plans import Certainty, DetectedPart, ReadingPlan

PROFILE_NAME = "profile_name"
_UNANSWERED = "Choose one."


@dataclass(frozen=True)
class PartRow:
    """A part of the plan on the page: its field, and why it has its value."""

    field: BoundField
    reason: str
    certainty: str

    @property
    def needs_label(self) -> bool:
        """Return whether the choices alone do not say what they are about."""
        name = self.field.name
        return bool(names.get_word(name) or names.get_marked_field(name) or names.get_field_of_cells(name))


@dataclass(frozen=True)
class ColumnRow:
    """A column of the file on the page: its values, the field to choose, and how its values are read."""

    header: str
    values: Sequence[tuple[str, str]]
    field: PartRow
    readings: Sequence[PartRow]


class ReadingForm(AnswersForm):
    """All parts of a plan. Only what somebody changes, or what had to be answered, becomes an answer."""

    template = "imports/reading-form.html"

    def __init__(
        self,
        plan: ReadingPlan,
        columns: Sequence[Column],
        path: Path | None,
        answered: Collection[str] = (),
        data: QueryDict | None = None,
    ) -> None:
        forms.Form.__init__(self, data)
        self._columns = columns
        self._answered = answered
        self._parts = {part.name: part for part in plan.parts}
        self._questions = {question.name: question for question in plan.questions}
        self.sample = read_sample(path, columns, FileReading.of(plan)) if path else Sample()
        self.shown_keys = self.sample.keys
        for part in plan.parts:
            if part.reason != Why.NOTHING_TO_DECIDE and (choices := get_choices(part, columns)):
                self.fields[part.name] = self._make_field(part, choices)
        self.fields[PROFILE_NAME] = CleanedCharField(
            label="Save these answers as a profile named",
            max_length=MAX_NAME_LENGTH,
            required=False,
            help_text="Optional. Later files with the same header are then read in this way.",
        )

    def _make_field(self, part: DetectedPart, choices: Mapping[str, str]) -> forms.Field:
        question = self._questions.get(part.name)
        suggested = question.suggested if question else part.value
        suggested = "" if suggested is None else str(suggested)
        blank = {} if suggested else {"": "Choose"}
        return forms.ChoiceField(
            label=get_label(part),
            choices=[*(blank | dict(choices)).items()],
            initial=suggested,
            error_messages={"required": _UNANSWERED, "invalid_choice": _UNANSWERED},
            widget=forms.Select,
        )

    @property
    def structure(self) -> list[PartRow]:
        shown = (names.PROFILE, *names.STRUCTURE, *names.MARKS, names.DUPLICATE_ROWS)
        return [self._make_row(name) for name in shown if name in self.fields]

    @property
    def columns(self) -> Iterator[ColumnRow]:
        for name, part in self._parts.items():
            position = names.get_position(name)
            if position is not None:
                yield ColumnRow(
                    part.params.get("header", "") or f"Column {position + 1}",
                    self.sample.get_pairs(position),
                    self._make_row(name),
                    [self._make_row(each) for each in self.fields if names.get_read_field(each) == part.value],
                )

    def _make_row(self, name: str) -> PartRow:
        part = self._parts[name]
        return PartRow(self[name], describe_reason(part.reason, part.params), part.certainty)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self._changes_structure:
            return cleaned  # the columns are found again
        chosen = Counter(value for name, value in cleaned.items() if names.get_position(name) is not None)
        for column in self._columns:
            if chosen[column.name] != 1:
                problem = "No column has" if not chosen[column.name] else f"{chosen[column.name]} columns have"
                self.add_error(None, f"{problem} the field {column.header}. Choose it for one column.")
        return cleaned

    def _is_unsure(self, name: str) -> bool:
        return self._parts[name].certainty is not Certainty.CERTAIN

    @property
    def _changes_structure(self) -> bool:
        return any(name in (names.PROFILE, *names.STRUCTURE) for name in self.changed_data)

    def get_answers(self) -> Mapping[str, str]:
        """Return what was changed or had to be answered. With another structure, the columns are found again."""
        answers = {
            name: value
            for name, value in self.cleaned_data.items()
            if name in self._parts and (name in self.changed_data or name in self._answered or self._is_unsure(name))
        }
        if self._changes_structure:
            return {name: value for name, value in answers.items() if name in (names.PROFILE, *names.STRUCTURE)}
        moved = self._find_moved_fields()
        return {name: value for name, value in answers.items() if names.get_read_field(name) not in moved}

    def get_profile(self) -> tuple[str, Sequence[str], Mapping[str, str]] | None:
        """Return the name, header and answers of the profile to save, or None if nobody named one."""
        name = self.cleaned_data[PROFILE_NAME]
        answers = {part: value for part, value in self.get_answers().items() if part != names.PROFILE}
        return (name, self.sample.headers, answers) if name and not self._changes_structure else None

    def _find_moved_fields(self) -> set[str]:
        """Return the fields that got another column, or lost theirs: what is known of a notation no longer applies."""
        changed = [name for name in self.changed_data if names.get_position(name) is not None]
        return {self.cleaned_data[name] for name in changed} | {str(self._parts[name].value) for name in changed}
