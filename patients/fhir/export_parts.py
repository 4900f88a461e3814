"""What apps add to exports of records as FHIR R4. The functions that make it are imported when an export needs them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

from healthtrack.core.permissions import Person

if TYPE_CHECKING:  # apps register their parts before models are ready
    from patients.fhir.writing import Resource


@dataclass(frozen=True)
class ExportPart:
    """What an app adds for people with a permission: the resources that the function at a dotted path makes.

    A resource that several patients share is written once. `is_on_request` leaves it out of ordinary exports.
    """

    permission: str
    path: str
    is_on_request: bool = False

    def make(self, numbers: Sequence[str]) -> "Mapping[str, Iterable[Resource]]":
        """Return the resources of these patients, by patient number."""
        make: Callable[[Sequence[str]], Mapping[str, Iterable[Resource]]] = import_string(self.path)
        return make(numbers)


_parts: list[ExportPart] = []


def register(part: ExportPart) -> None:
    """Add a part behind those before it; call it in AppConfig.ready."""
    _parts.append(part)


def list_parts(person: Person, *, with_all: bool = False) -> list[ExportPart]:
    """Return the parts that the person may see; those on request only `with_all`."""
    return [part for part in _parts if person.has_perm(part.permission) and (with_all or not part.is_on_request)]


def has_more_on_request(person: Person) -> bool:
    """Return whether a request for everything gives the person more than an ordinary export."""
    return len(list_parts(person, with_all=True)) > len(list_parts(person))
