"""What a Patient resource says: the person's number, name, date of birth and gender."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from patients.fhir.elements import (
    Content,
    OtherVersionError,
    UnreadableError,
    get_codes,
    get_object,
    get_text,
    iterate_objects,
    list_texts,
    parse_day,
)
from patients.models import Gender

GENDERS = {"female": Gender.FEMALE, "male": Gender.MALE, "other": Gender.OTHER, "unknown": Gender.UNKNOWN}
MEDICAL_RECORD_NUMBER = "MR"
_USUAL_USES = ("usual", "official")
_USES = ("official", "usual", "", "temp", "nickname", "anonymous", "maiden")


@dataclass
class Person:
    """A patient of the upload, as far as the resource can be read; `problems` say what cannot."""

    id: str
    number: str = ""
    name: str = ""
    birth_date: str = ""
    gender: str = ""
    identifiers: Sequence[tuple[str, str]] = ()
    is_inactive: bool = False
    is_deceased: bool = False
    problems: list[UnreadableError] = field(default_factory=list, compare=False)


def read_person(content: Content) -> Person:
    """Return the patient. Raise OtherVersionError if the resource is of another version of FHIR."""
    is_replaced = any(get_text(link, "type") == "replaced-by" for link in iterate_objects(content, "link"))
    person = Person(
        id=get_text(content, "id"),
        identifiers=[(get_text(each, "system"), value) for each, value in _iterate_identifiers(content)],
        is_inactive=content.get("active") is False or is_replaced,
        is_deceased=content.get("deceasedBoolean") is True or bool(content.get("deceasedDateTime")),
    )
    for name, read in _READERS.items():
        try:
            setattr(person, name, read(content))
        except OtherVersionError:
            raise
        except UnreadableError as problem:
            person.problems.append(problem)
    return person


def _iterate_identifiers(content: Content) -> list[tuple[Content, str]]:
    found = ((each, get_text(each, "value")) for each in iterate_objects(content, "identifier"))
    return [(each, value) for each, value in found if value and get_text(each, "use") != "old"]


def _read_number(content: Content) -> str:
    """Return the medical record number, or the id if there is none."""
    numbers = [
        (get_text(identifier, "use"), value)
        for identifier, value in _iterate_identifiers(content)
        if MEDICAL_RECORD_NUMBER in get_codes(identifier, "type")
    ]
    usual = [value for use, value in numbers if use in _USUAL_USES]
    found = dict.fromkeys(usual or [value for _, value in numbers]) or dict.fromkeys([get_text(content, "id")])
    if len(found) > 1:
        reason = "There are several medical record numbers. Mark one of them with the use “usual” at the source."
        raise UnreadableError("identifier", ", ".join(found), reason)
    (number,) = found
    if not number:
        raise UnreadableError("identifier", "", "There is neither a medical record number nor an id. Add one.")
    return number


def _read_name(content: Content) -> str:
    """Return the official name, or else the usual one, or else the first that is in use."""
    names = [each for each in iterate_objects(content, "name") if get_text(each, "use") != "old"]
    names.sort(key=lambda each: (_rank(get_text(each, "use")), bool(get_text(get_object(each, "period"), "end"))))
    shown = next(filter(None, map(_show_name, names)), "")
    if not shown:
        raise UnreadableError("name", "", "There is no name. Add one at the source.")
    return shown


def _rank(use: str) -> int:
    return _USES.index(use) if use in _USES else len(_USES)


def _show_name(name: Content) -> str:
    if isinstance(name.get("family"), list):
        raise OtherVersionError("name.family", "", "This is a list, as in FHIR DSTU2. Export FHIR R4.")
    given, family = list_texts(name, "given"), get_text(name, "family")
    parts = [*given, family, *list_texts(name, "suffix")]
    is_whole = bool(given and family)
    return " ".join(filter(None, parts)) if is_whole or not get_text(name, "text") else get_text(name, "text")


def _read_birth_date(content: Content) -> str:
    text = get_text(content, "birthDate")
    if not text:
        raise UnreadableError("birthDate", "", "There is no date of birth. Enter it at the source.")
    return parse_day(text, "birthDate").isoformat()


def _read_gender(content: Content) -> str:
    code = get_text(content, "gender")
    if code not in GENDERS:
        reason = "There is no gender." if not code else "There is no such gender in FHIR."
        raise UnreadableError("gender", code, f"{reason} Use male, female, other or unknown.")
    return GENDERS[code].value


_READERS = {
    "number": _read_number,
    "name": _read_name,
    "birth_date": _read_birth_date,
    "gender": _read_gender,
}
