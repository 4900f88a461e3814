"""What earlier files with the same header were answered, while a plan is made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from healthtrack.imports.detection import names
from healthtrack.imports.detection.reasons import Why
from healthtrack.imports.reading_plans import Certainty, DetectedPart, Question, ReadingPlan


@dataclass(frozen=True)
class Remembered:
    """Answers under the name of a profile; or those of an import, whose invalid rows the file corrects."""

    profile: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    corrected_run: int | None = None

    def make_part(self, name: str, value: str, params: Mapping[str, Any]) -> DetectedPart:
        """Return the part of a plan that an answer decides. A profile may be of another clinic with the same header."""
        if self.corrected_run is not None:
            return DetectedPart(name, value, reason=Why.CORRECTION, params={**params, "run": self.corrected_run})
        return DetectedPart(name, value, Certainty.ASSUMED, Why.REMEMBERED, {**params, "profile": self.profile})


Recall = Callable[[Sequence[str]], Sequence[Remembered]]


@dataclass(frozen=True)
class Memory:
    """The profile to use for a file, if there is one; with the part and the question that say so."""

    used: Remembered = Remembered()
    parts: Sequence[DetectedPart] = ()
    questions: Sequence[Question] = ()


def choose_profile(profiles: Sequence[Remembered], answer: str) -> Memory:
    """Return the only profile, or the one that was chosen. Of several, a person must choose."""
    if not profiles or answer == names.NO_PROFILE:
        return Memory()
    if profiles[0].corrected_run is not None:
        return Memory(profiles[0])
    found = {each.profile: each for each in profiles}
    params = {"profiles": list(found)}
    if answer in found:
        return Memory(found[answer], [DetectedPart(names.PROFILE, answer, reason=Why.CHOSEN, params=params)])
    if len(profiles) > 1:
        part = DetectedPart(names.PROFILE, None, Certainty.UNKNOWN, Why.SEVERAL_PROFILES, params)
        return Memory(parts=[part], questions=[Question(names.PROFILE, [*found, names.NO_PROFILE], "", params)])
    (only,) = profiles
    part = DetectedPart(names.PROFILE, only.profile, Certainty.ASSUMED, Why.SAME_HEADER, params)
    return Memory(only, [part])


def list_remembered_structure(
    profile: Remembered, found: Sequence[DetectedPart], answers: Mapping[str, str]
) -> dict[str, str]:
    """Return what a profile says about where the table is, if the file shows something else or nothing certain.

    What somebody has answered, an encoding that the whole file proves, and a sheet that the file lacks are left out.
    """
    remembered = {}
    for part in found:
        value = profile.answers.get(part.name, "")
        is_proved = part.name == names.ENCODING and part.certainty is Certainty.CERTAIN
        is_missing = part.name == names.SHEET and value not in part.params.get("sheets", ())
        is_open = (
            part.name in (*names.STRUCTURE, *names.MARKS) and part.name not in answers and not (is_proved or is_missing)
        )
        is_answer = value != str(part.value) or part.certainty is Certainty.UNKNOWN
        if is_open and value and is_answer:
            remembered[part.name] = value
    return remembered


def remember_plan(run_id: int, plan: ReadingPlan) -> Remembered:
    """Return what the plan of an import says about a file of its invalid rows, in which a column comes first."""
    answers = {}
    for part in plan.parts:
        position = names.get_position(part.name)
        if position is not None:
            answers[names.column(position + 1)] = str(part.value)
        elif names.get_read_field(part.name) and not names.get_marked_field(part.name) and part.value:
            answers[part.name] = str(part.value)
    return Remembered(answers=answers, corrected_run=run_id)
