"""Read elements of FHIR resources that are not trusted: of any type, and of other versions of FHIR."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from healthtrack.core.cleaning import clean_text

Content = Mapping[str, Any]

_FULL_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PARTIAL_DATE = re.compile(r"[0-9]{4}(-[0-9]{2})?")


class UnreadableError(Exception):
    """An element cannot be read: its path in the resource, its value, and the reason with the remedy."""

    def __init__(self, path: str, value: object, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.value = "" if value is None else str(value)
        self.reason = reason


class OtherVersionError(UnreadableError):
    """The resource has the form of another version of FHIR."""


def get_text(content: Content, name: str) -> str:
    """Return a text without blanks around it; empty if it is missing or no text."""
    value = content.get(name)
    if not isinstance(value, str):
        return ""
    # Most texts are clean, and this is three times as fast as cleaning them.
    is_clean = value.isascii() and value.isprintable() and "  " not in value and value == value.strip()
    return value if is_clean else clean_text(value)


def get_object(content: Content, name: str) -> Content:
    """Return an object; an empty one if it is missing or something else."""
    value = content.get(name)
    return value if isinstance(value, dict) else {}


def iterate_objects(content: Content, name: str) -> Iterator[Content]:
    """Yield the objects of a list; a single object counts as a list of one."""
    value = content.get(name)
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, dict):
            yield each


def list_texts(content: Content, name: str) -> list[str]:
    """Return the texts of a list."""
    value = content.get(name)
    return [clean_text(each) for each in value if isinstance(each, str)] if isinstance(value, list) else []


def get_codes(content: Content, name: str) -> set[str]:
    """Return the codes of a CodeableConcept. Raise OtherVersionError if it is a code, as before FHIR R4."""
    value = content.get(name)
    if isinstance(value, str):
        reason = (
            "This is a text, as in FHIR DSTU2 and STU3. HealthTrack reads FHIR R4. Export the data in this version."
        )
        raise OtherVersionError(name, value, reason)
    return {get_text(coding, "code") for coding in iterate_objects(get_object(content, name), "coding")} - {""}


def get_display(content: Content, name: str) -> str:
    """Return the text of a CodeableConcept, or else the first display of its codings; empty if it has none."""
    concept = get_object(content, name)
    displays = (get_text(coding, "display") for coding in iterate_objects(concept, "coding"))
    return get_text(concept, "text") or next(filter(None, displays), "")


def is_partial(text: str) -> bool:
    """Return whether a text is a year, or a year and a month, and no whole date."""
    return bool(_PARTIAL_DATE.fullmatch(text))


def make_partial_error(text: str, path: str) -> UnreadableError:
    reason = "The date is not complete, and HealthTrack does not guess. Enter year, month and day at the source."
    return UnreadableError(path, text, reason)


def parse_day(text: str, path: str) -> date:
    """Return the day of a date, or of a time in its own offset. Raise UnreadableError if it is not a whole date."""
    if is_partial(text):
        raise make_partial_error(text, path)
    day, _, _ = text.partition("T")
    try:
        return date.fromisoformat(day if _FULL_DATE.fullmatch(day) else "")
    except ValueError as error:
        raise UnreadableError(path, text, "There is no such date. Correct it at the source.") from error
