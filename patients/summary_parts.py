"""What other apps add to the summary of a record. The functions that make it are imported when a record is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

from healthtrack.core.permissions import Person

if TYPE_CHECKING:  # apps register their parts before models are ready
    from patients.models import MedicalRecord


@dataclass(frozen=True)
class SummaryPart:
    """A part that an app adds, such as readings: a heading, a template, and what it shows as `view`.

    The function at the dotted path takes the record and the person who looks at it, and returns None to leave the part
    out.
    """

    heading: str
    template: str
    path: str

    def get_view(self, record: "MedicalRecord", person: Person) -> Any:
        """Return what the part shows of the record to the person, or None."""
        return import_string(self.path)(record, person)


_parts: list[SummaryPart] = []


def register(part: SummaryPart) -> None:
    """Add a part below those before it; call it in AppConfig.ready."""
    _parts.append(part)


def unregister(part: SummaryPart) -> None:
    """Remove a part that a test has registered."""
    _parts.remove(part)


def list_views(record: "MedicalRecord", person: Person) -> list[tuple[SummaryPart, Any]]:
    """Return the parts that have something to show of the record to the person, each with its view."""
    views = ((part, part.get_view(record, person)) for part in _parts)
    return [(part, view) for part, view in views if view is not None]


def compare_views(records: Sequence["MedicalRecord"], person: Person) -> list[tuple[SummaryPart, list[Any]]]:
    """Return the parts that have something to show of any of the records, each with its view of each record."""
    compared = [(part, [part.get_view(record, person) for record in records]) for part in _parts]
    return [(part, views) for part, views in compared if any(view is not None for view in views)]
