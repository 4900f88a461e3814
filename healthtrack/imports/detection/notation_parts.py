"""The parts of a plan that say how the dates and numbers of each column are written."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from healthtrack.imports.columns.header_names import get_stated_order
from healthtrack.imports.columns.notation import DOCUMENTED, DateOrder, DecimalMark, Notation
from healthtrack.imports.columns.plan import Column
from healthtrack.imports.detection import names
from healthtrack.imports.detection.column_parts import ColumnParts
from healthtrack.imports.detection.evidence import Evidence, EvidenceCounter
from healthtrack.imports.detection.memory import Remembered
from healthtrack.imports.detection.reading import PROVED_FORMS
from healthtrack.imports.detection.reasons import Why, count_values
from healthtrack.imports.reading_plans import Certainty, DetectedPart, Question
from healthtrack.imports.row_errors import show_value

_RARE_ORDER = DateOrder.YEAR_DAY_MONTH
_YEAR_FIRST = "ymd"  # what headers may state beside the orders
DOCUMENTED_SEPARATOR = "/"  # dates with others may be of another source


def make_notation_parts(
    counter: EvidenceCounter, found: ColumnParts, answers: Mapping[str, str], remembered: Remembered
) -> tuple[list[DetectedPart], list[Question]]:
    """Return the parts, and a question for each column whose values do not show their notation."""
    positions = {name: position for position, name in found.likely_fields.items()}
    is_documented = found.has_documented_header and _proves_documented_dates(counter)
    parts: list[DetectedPart] = []
    questions: list[Question] = []
    for column in counter.columns:
        header = show_value(found.headers[positions[column.name]].strip())
        may_be_rare = _RARE_ORDER in (get_stated_order(header), remembered.answers.get(names.date_order(column.name)))
        evidence = counter.get_evidence(column, may_be_rare=may_be_rare)
        notation = _NotationOfColumn(column, evidence, header, is_documented=is_documented)
        part = notation.make_part(answers.get(notation.name, ""), answers.get(notation.name_for_all, ""))
        parts.append(notation.recall(part, remembered))
        if parts[-1].certainty is Certainty.UNKNOWN:
            questions.append(notation.make_question(parts[-1].reason))
    return parts, questions


def _proves_documented_dates(counter: EvidenceCounter) -> bool:
    """Return whether some dates can only be in the documented order, and none only in another."""
    found = map(counter.get_evidence, counter.columns)
    proved = [notation for evidence in found for notation in evidence.only if notation.date_order]
    return bool(proved) and all(notation.date_order is DOCUMENTED.date_order for notation in proved)


class _NotationOfColumn:
    def __init__(self, column: Column, evidence: Evidence, header: str, *, is_documented: bool) -> None:
        self.evidence = evidence
        self.params: dict[str, Any] = {"header": header}
        self.has_dates = column.widget.notations[0].date_order is not None
        self.name = (names.date_order if self.has_dates else names.decimal_mark)(column.name)
        self.name_for_all = names.ALL_DATE_ORDERS if self.has_dates else names.ALL_DECIMAL_MARKS
        has_documented_form = evidence.ambiguous_forms == DOCUMENTED_SEPARATOR
        self.is_documented = is_documented and self.has_dates and has_documented_form
        self.stated = get_stated_order(header) if self.has_dates else ""

    def make_part(self, answer: str, answer_for_all: str) -> DetectedPart:
        """Return the part. An answer for all columns is about dates with the year last, unless it says otherwise."""
        if not answer and self.evidence.decided != Notation(_RARE_ORDER):
            answer = answer_for_all
        if self._is_choice(answer):
            return DetectedPart(self.name, answer, reason=Why.CHOSEN, params=self.params)
        if len(self.evidence.only) > 1:
            return self._make_contradictory_part()
        if self._contradicts_header:
            return DetectedPart(self.name, None, Certainty.UNKNOWN, Why.STATED_OTHERWISE, self._describe_proof())
        if decided := self.evidence.decided:
            params = {**self._describe_proof(), PROVED_FORMS: self.evidence.proved_forms}
            return DetectedPart(self.name, self._value(decided), reason=Why.PROVED, params=params)
        if not self.evidence.ambiguous:
            return DetectedPart(self.name, None, reason=Why.NOTHING_TO_DECIDE, params=self.params)
        return self._make_ambiguous_part()

    @property
    def _contradicts_header(self) -> bool:
        """Return whether values have another order than the header states. That of years first says nothing of last."""
        orders = {notation.date_order for notation in self.evidence.only}
        return _RARE_ORDER in orders if self.stated == _YEAR_FIRST else bool(self.stated and orders - {self.stated})

    def _make_ambiguous_part(self) -> DetectedPart:
        """Return what the header says, by stating the order or by being the documented one; otherwise a question."""
        evidence = self.evidence
        if self._is_choice(self.stated):
            return DetectedPart(self.name, self.stated, reason=Why.STATED, params=self.params)
        if self.is_documented:
            return DetectedPart(self.name, DOCUMENTED.date_order, reason=Why.DOCUMENTED, params=self.params)
        params = {**self.params, "count": count_values(evidence.ambiguous), "example": evidence.ambiguous_example}
        return DetectedPart(self.name, None, Certainty.UNKNOWN, Why.AMBIGUOUS, params)

    def _describe_proof(self) -> dict[str, Any]:
        ((notation, count),) = self.evidence.only.items()
        example = self.evidence.proof[notation]
        return {**self.params, "count": count_values(count), "kind": self.describe(notation), "example": example}

    def recall(self, part: DetectedPart, remembered: Remembered) -> DetectedPart:
        """Return the part with what is remembered if the values do not show it, or with a reason if they contradict it.

        A file of corrected rows is read as the import was: another notation of some values is then a question.
        """
        value = remembered.answers.get(self.name, "")
        if not self._is_choice(value):
            return part
        if part.reason == Why.AMBIGUOUS:
            return remembered.make_part(self.name, value, self.params)
        if part.reason != Why.PROVED or part.value == value:
            return part
        said = self.describe(self._notation_of(value))
        if remembered.corrected_run is not None:
            params = {**self._describe_proof(), "said": said, "run": remembered.corrected_run}
            return DetectedPart(self.name, None, Certainty.UNKNOWN, Why.CORRECTED_OTHERWISE, params)
        params = {**part.params, **self._describe_proof(), "said": said, "profile": remembered.profile}
        return replace(part, certainty=Certainty.ASSUMED, reason=Why.PROFILE_OTHERWISE, params=params)

    def _notation_of(self, value: str) -> Notation:
        return Notation(DateOrder(value)) if self.has_dates else Notation(None, DecimalMark(value))

    def _is_choice(self, answer: str) -> bool:
        return answer in [*(DateOrder if self.has_dates else DecimalMark)]

    def _make_contradictory_part(self) -> DetectedPart:
        """Return the notation of most values, if no value has another meaning in another; otherwise a question.

        The values of the other notation are then errors, and never read in another way than they were written.
        """
        evidence = self.evidence
        (first, count), (second, other_count) = sorted(evidence.only.items(), key=lambda each: -each[1])[:2]
        params = {
            **self.params,
            "count": count_values(count),
            "kind": self._describe_values(first),
            "example": evidence.proof[first],
            "other_count": f"{other_count:,}",
            "other_kind": self._describe_values(second),
            "example_of_other": evidence.proof[second],
        }
        most = evidence.commonest
        value, certainty = (
            (None, Certainty.UNKNOWN) if evidence.ambiguous or not most else (self._value(most), Certainty.ASSUMED)
        )
        return DetectedPart(self.name, value, certainty, Why.CONTRADICTORY, params)

    def make_question(self, reason: str) -> Question:
        most = self.evidence.commonest if reason != Why.CORRECTED_OTHERWISE else None
        choices = [self._value(notation) for notation in self.evidence.possible]
        example = self.evidence.ambiguous_example
        return Question(self.name, choices, self._value(most) if most else "", {**self.params, "example": example})

    def _value(self, notation: Notation) -> str:
        return str(notation.date_order or notation.decimal_mark)

    def _describe_values(self, notation: Notation) -> str:
        is_usual = notation.date_order not in (None, _RARE_ORDER)
        is_year_first = is_usual and self.evidence.proof[notation][:4].isdecimal()
        return "year, month, day" if is_year_first else self.describe(notation)

    @staticmethod
    def describe(notation: Notation) -> str:
        return {
            DateOrder.MONTH_FIRST: "month first",
            DateOrder.DAY_FIRST: "day first",
            _RARE_ORDER: "year, day, month",
            DecimalMark.POINT: "written with a decimal point",
            DecimalMark.COMMA: "written with a decimal comma",
        }[notation.date_order or notation.decimal_mark or DateOrder.MONTH_FIRST]
