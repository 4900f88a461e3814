"""What resources say about a patient: conditions, allergies, medication and the last appointment."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from patients.fhir.elements import (
    Content,
    OtherVersionError,
    UnreadableError,
    get_codes,
    get_display,
    get_object,
    get_text,
    is_partial,
    parse_day,
)

ACTIVE = {"active", "recurrence", "relapse"}
_WRONG = {"entered-in-error", "refuted"}
# SNOMED CT codes for “no known” conditions and allergies.
_NONE = {"716186003", "409137002", "428607008", "429625007", "160244002", "160245001"}


class Left(StrEnum):
    """Why a resource says nothing that a record stores."""

    NOT_ACTIVE = ""
    WITHOUT_STATUS = "without a clinical status"
    NONE_KNOWN = "saying that none is known"
    WITHOUT_DATE = "finished, but without a date"


class Fact(NamedTuple):
    """A fact for one field of a record; or `left`, if the resource says nothing that a record stores."""

    field: str
    text: str = ""
    left: Left | None = None


def read_condition(content: Content) -> Fact:
    return _read_problem(content, "medical_conditions")


def read_allergy(content: Content) -> Fact:
    return _read_problem(content, "allergies")


def _read_problem(content: Content, field: str) -> Fact:
    status = get_codes(content, "clinicalStatus")
    if get_codes(content, "verificationStatus") & _WRONG or (status and not status & ACTIVE):
        return Fact(field, left=Left.NOT_ACTIVE)
    if not status:
        return Fact(field, left=Left.WITHOUT_STATUS)
    if get_codes(content, "code") & _NONE:
        return Fact(field, left=Left.NONE_KNOWN)
    text = get_display(content, "code").replace(",", ";")
    if not text:
        codes = ", ".join(sorted(get_codes(content, "code")))
        raise UnreadableError("code", codes, "There is no text. Add code.text, or the display of a coding.")
    return Fact(field, text)


def read_medication_request(content: Content) -> Fact:
    if isinstance(content.get("medication"), dict):
        raise _is_later("medication", "an object with the medication")
    return _read_medication(content, is_refused=content.get("doNotPerform") is True)


def read_medication_statement(content: Content) -> Fact:
    return _read_medication(content, is_refused=False)


def _read_medication(content: Content, *, is_refused: bool) -> Fact:
    is_active = get_text(content, "status") == "active" and not is_refused
    return Fact("medications", "Yes") if is_active else Fact("medications", left=Left.NOT_ACTIVE)


def read_encounter(content: Content) -> Fact:
    if isinstance(content.get("class"), list) or "actualPeriod" in content:
        raise _is_later("class", "a list, or the period is called actualPeriod")
    if isinstance(content.get("class"), str):
        raise OtherVersionError("class", content["class"], "This is a text, as in FHIR DSTU2. Export FHIR R4.")
    if get_text(content, "status") != "finished":
        return Fact("last_appointment_date", left=Left.NOT_ACTIVE)
    period = get_object(content, "period")
    name = "end" if get_text(period, "end") else "start"
    moment = get_text(period, name)
    if not moment:
        return Fact("last_appointment_date", left=Left.WITHOUT_DATE)
    # A date without its day may be the last one or not: that depends on the other encounters.
    text = moment if is_partial(moment) else parse_day(moment, f"period.{name}").isoformat()
    return Fact("last_appointment_date", text)


def _is_later(path: str, form: str) -> OtherVersionError:
    reason = f"This is {form}, as in FHIR R5. HealthTrack reads FHIR R4. Export the data in this version."
    return OtherVersionError(path, "", reason)


class Reader(NamedTuple):
    """How a type of resource is read: the element that refers to the patient, and the function for the fact."""

    patient: str
    read: Callable[[Content], Fact]
    field: str


READERS = {
    "Condition": Reader("subject", read_condition, "medical_conditions"),
    "AllergyIntolerance": Reader("patient", read_allergy, "allergies"),
    "MedicationRequest": Reader("subject", read_medication_request, "medications"),
    "MedicationStatement": Reader("subject", read_medication_statement, "medications"),
    "Encounter": Reader("subject", read_encounter, "last_appointment_date"),
}
