"""The parts of a plan that say which field each column of the file belongs to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from healthtrack.imports.columns.plan import Column
from healthtrack.imports.detection import names
from healthtrack.imports.detection.columns import MatchedBy, match_header
from healthtrack.imports.detection.memory import Remembered
from healthtrack.imports.detection.reasons import Why
from healthtrack.imports.reading_plans import Certainty, DetectedPart, Question
from healthtrack.imports.row_errors import show_value

_REASONS = {MatchedBy.NAME: Why.NAME, MatchedBy.SYNONYM: Why.SYNONYM}


@dataclass(frozen=True)
class MarkedColumns:
    """The positions of columns that a sheet hides, and of those whose name is merged over other filled columns."""

    hidden: Collection[int] = ()
    shared: Collection[int] = ()

    def move(self, first: int) -> "MarkedColumns":
        """Return the positions in a table that begins in this column of the sheet."""
        return MarkedColumns({place - first for place in self.hidden}, {place - first for place in self.shared})


class ColumnParts:
    """Which field each column belongs to: `fields` by position, with the parts and questions that say so.

    `likely_fields` has the suggestions of the questions as well.

    Columns without a field need an answer if fields are missing and there are enough columns for them. An answer
    counts before what the header says. The fields of hidden columns are only assumed, and those of columns that share
    their name need an answer.
    """

    def __init__(
        self,
        headers: Sequence[str],
        columns: Sequence[Column],
        answers: Mapping[str, str],
        remembered: Remembered,
        marked: MarkedColumns = MarkedColumns(),
    ) -> None:
        self.headers = headers
        self.columns = columns
        self._given = answers
        self._remembered = remembered
        self._marked = marked
        self._answers = {**remembered.answers, **answers}
        self._match = match_header(headers, columns)
        self.fields = self._assign()
        self.missing = [column.name for column in columns if column.name not in self.fields.values()]
        self._uncertain = self._list_uncertain()
        self.parts = [self._make_part(position) for position in range(len(headers))]
        self.questions = [self._make_question(position) for position in self._uncertain]
        shared = [part for part in self.parts if part.reason == Why.SHARED_NAME]
        self.questions += [
            Question(part.name, [names.NOT_IMPORTED, part.value], part.value, part.params) for part in shared
        ]

    @property
    def likely_fields(self) -> dict[int, str]:
        suggested = self._match.suggestions
        return {
            **self.fields,
            **{position: suggested[position] for position in self._uncertain if position in suggested},
        }

    @property
    def has_documented_header(self) -> bool:
        return list(self.headers) == [column.header for column in self.columns]

    def _assign(self) -> dict[int, str]:
        known = {column.name for column in self.columns}
        answered = {
            position: answer
            for position in range(len(self.headers))
            if (answer := self._answers.get(names.column(position), ""))
        }
        chosen = {position: answer for position, answer in answered.items() if answer in known}
        detected = {
            position: name
            for position, name in self._match.fields.items()
            if position not in answered and name not in chosen.values()
        }
        return {**detected, **chosen}

    def _list_uncertain(self) -> list[int]:
        unassigned = [
            position
            for position, header in enumerate(self.headers)
            if position not in self.fields and header.strip() and names.column(position) not in self._answers
        ]
        is_askable = self.fields and not self._match.repeated and 0 < len(self.missing) <= len(unassigned)
        return unassigned if is_askable else []

    def _make_part(self, position: int) -> DetectedPart:
        name, params = names.column(position), {"header": show_value(self.headers[position].strip())}
        value = self.fields.get(position, names.NOT_IMPORTED)
        if name in self._given:
            return DetectedPart(name, value, reason=Why.CHOSEN, params=params)
        if name in self._answers:
            return self._remembered.make_part(name, value, params)
        if position in self._uncertain:
            suggested = self._match.suggestions.get(position, names.NOT_IMPORTED)
            why = Why.NO_FIELD if suggested == names.NOT_IMPORTED else Why.SIMILAR
            return DetectedPart(name, suggested, Certainty.UNKNOWN, why, params)
        if position in self.fields and position in self._marked.shared:
            return DetectedPart(name, value, Certainty.UNKNOWN, Why.SHARED_NAME, params)
        if position in self.fields and position in self._marked.hidden:
            return DetectedPart(name, value, Certainty.ASSUMED, Why.HIDDEN_COLUMN, params)
        matched_by = self._match.matched_by.get(position)
        why = _REASONS[matched_by] if matched_by and position in self.fields else Why.NO_FIELD
        return DetectedPart(name, value, reason=why, params=params)

    def _make_question(self, position: int) -> Question:
        suggested = self._match.suggestions.get(position, names.NOT_IMPORTED)
        choices = [names.NOT_IMPORTED, *self.missing]
        return Question(
            names.column(position), choices, suggested, {"header": show_value(self.headers[position].strip())}
        )
