"""The rule for duplicate rows as a part of the reading plan. A file does not show it: people may change it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from healthtrack.imports.columns.plan import DuplicateRows, Plan
from healthtrack.imports.detection import names
from healthtrack.imports.detection.memory import Remembered
from healthtrack.imports.detection.reasons import Why
from healthtrack.imports.reading_plans import Certainty, DetectedPart, ReadingPlan


def add_duplicate_rule(
    reading: ReadingPlan, plan: Plan, answers: Mapping[str, str], profiles: Iterable[Remembered] = ()
) -> ReadingPlan:
    """Return the reading plan with the rule, if there is something to choose: duplicates that are not errors.

    It is the answer, or that of the profile which the reading plan uses, or else the rule of the importer.
    """
    if plan.duplicate_rows is DuplicateRows.ERROR or not (plan.values and reading.parts):
        return reading
    used = next((part.value for part in reading.parts if part.name == names.PROFILE), None)
    remembered = {each.profile: each.answers.get(names.DUPLICATE_ROWS) for each in profiles}.get(str(used))
    answer = answers.get(names.DUPLICATE_ROWS)
    if answer in set(DuplicateRows):
        part = DetectedPart(names.DUPLICATE_ROWS, answer, reason=Why.CHOSEN)
    elif remembered in set(DuplicateRows):
        part = DetectedPart(names.DUPLICATE_ROWS, remembered, Certainty.ASSUMED, Why.REMEMBERED, {"profile": str(used)})
    else:
        part = DetectedPart(names.DUPLICATE_ROWS, str(plan.duplicate_rows))
    return replace(reading, parts=[*reading.parts, part])


def get_duplicate_rule(reading: ReadingPlan, default: DuplicateRows) -> DuplicateRows:
    """Return the rule that the reading plan says; an older one says none."""
    values = {part.name: part.value for part in reading.parts}
    return DuplicateRows(values.get(names.DUPLICATE_ROWS, default))
