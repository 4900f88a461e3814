"""The plan of how to read an upload: what was detected, how sure it is, and what only a person can answer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

VALUE_IN_NAME = "has_value_in_name"  # a parameter of parts whose name contains a value that may be about a patient


class Certainty(StrEnum):
    """How sure a plan is of one detected part."""

    CERTAIN = "certain"
    ASSUMED = "assumed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class DetectedPart:
    """One part of how to read an upload, such as its encoding. The importer defines the names and values.

    `reason` is a code that says why, and `params` are the values for its sentence.
    """

    name: str
    value: Any
    certainty: Certainty = Certainty.CERTAIN
    reason: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """A question that only a person can answer, by one of the choices. `Importer.wording` returns its words."""

    name: str
    choices: Sequence[str]
    suggested: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadingPlan:
    """How to read an upload, and the questions that a person must answer first. A run stores it as JSON."""

    parts: Sequence[DetectedPart] = ()
    questions: Sequence[Question] = ()

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> "ReadingPlan":
        """Return the plan that a run stores; an empty one if it stores none yet."""
        if stored is None:
            return cls()
        parts = [DetectedPart(**{**each, "certainty": Certainty(each["certainty"])}) for each in stored["parts"]]
        return cls(parts, [Question(**each) for each in stored["questions"]])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def without_values(self) -> "ReadingPlan":
        """Return the plan without values of the files, which may be about patients and are not stored with the run."""
        parts = [part for part in self.parts if VALUE_IN_NAME not in part.params]
        questions = [each for each in self.questions if VALUE_IN_NAME not in each.params]
        return ReadingPlan(
            [replace(part, params=_drop_values(part.params)) for part in parts],
            [replace(each, params=_drop_values(each.params)) for each in questions],
        )


@dataclass(frozen=True)
class QuestionWording:
    """A question in words; `choices` maps each choice to its words. `for_commands` names the option that answers it."""

    label: str
    choices: Mapping[str, str]
    help: str = ""
    for_commands: str = ""


def _drop_values(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if not name.startswith("example")}
