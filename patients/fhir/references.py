"""References to patients: relative, absolute, within a Bundle, contained, by identifier, and conditional."""

import re
from collections.abc import Sequence
from urllib.parse import unquote

from healthtrack.imports.fhir.resources import Place, Resource
from patients.fhir.elements import Content, get_object, get_text, iterate_objects
from patients.fhir.patients import Person

_VERSION = re.compile(r"/_history/[^/]*$")
_CONDITIONAL = re.compile(r"^Patient\?(?:.*&)?identifier=([^&]+)")
_TYPED = re.compile(r"(?:^|/)([A-Z][A-Za-z]*)/([A-Za-z0-9\-.]{1,64})$")


class References:
    """The patients of an upload, by what resources call them."""

    def __init__(self) -> None:
        self._by_name: dict[str, int] = {}
        self._by_identifier: dict[str, set[int]] = {}
        self._with_url: set[int] = set()

    def add(self, place: int, person: Person, names: Sequence[str]) -> None:
        """Note the names of the patient at this place in the list of patients."""
        for name in names:
            self._by_name[name] = place
            if "://" in name:
                self._with_url.add(place)
        for system, value in person.identifiers:
            for name in (f"{system}|{value}", value):
                self._by_identifier.setdefault(name, set()).add(place)

    def find(self, reference: str) -> int | None:
        """Return the place of the patient whom a reference means, or None if that is not exactly one."""
        if reference.startswith("?"):
            found = self._by_identifier.get(reference[1:], set())
            return next(iter(found)) if len(found) == 1 else None
        if (place := self._by_name.get(reference)) is not None:
            return place
        typed = _TYPED.search(reference) if "://" in reference else None
        place = self._by_name.get(f"{typed[1]}/{typed[2]}") if typed else None
        return None if place in self._with_url else place


def list_names(resource: Resource, person: Person) -> list[str]:
    """Return the names by which resources refer to the patient of a resource. The first one identifies it."""
    names = [f"Patient/{person.id}"] if person.id else []
    if resource.full_url:
        names.append(_scope(resource.full_url, resource.place))
    return names


def read_reference(content: Content, element: str, place: Place) -> str:
    """Return the reference of an element to a patient, as `References.find` takes it; empty if there is none.

    A reference to something else, such as a group, is returned as it is: no patient has it as a name.
    """
    target = get_object(content, element)
    reference = _VERSION.sub("", get_text(target, "reference"))
    if reference.startswith("#"):
        contained = (each for each in iterate_objects(content, "contained") if get_text(each, "id") == reference[1:])
        identifiers = (each for found in contained for each in iterate_objects(found, "identifier"))
        return next((_by_identifier(each) for each in identifiers), reference)
    if conditional := _CONDITIONAL.match(reference):
        return f"?{unquote(conditional[1]).removeprefix('|')}"
    if not reference and (identifier := get_object(target, "identifier")):
        return _by_identifier(identifier)
    return _scope(reference, place)


def _by_identifier(identifier: Content) -> str:
    system, value = get_text(identifier, "system"), get_text(identifier, "value")
    return f"?{system}|{value}" if system else f"?{value}"


def _scope(reference: str, place: Place) -> str:
    """Return a reference; one within a Bundle means something there only."""
    return f"{place.part}.{place.line} {reference}" if reference.startswith("urn:") else _VERSION.sub("", reference)
