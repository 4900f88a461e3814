"""What earlier files with the same header were answered, while a plan is made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from healthtrack.imports.detection import names
from healthtrack.imports.detection.reasons import Why
from healthtrack.imports.reading_plans import Certainty, DetectedPart, Question


@dataclass(frozen=True)
class Remembered:
    """Answers under the name of a profile."""

    profile: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)


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
