"""Write records as resources of FHIR R4, such that an import of them changes nothing."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from patients.fhir.patients import GENDERS, MEDICAL_RECORD_NUMBER
from patients.summary import split_terms

_NAMESPACE = UUID("6f6a3d52-2f0f-4c0e-9c38-0d7f3b0c8f51")  # any, the same for every export
_CODES = "http://terminology.hl7.org/CodeSystem"
_GENDER_CODES = {gender.value: code for code, gender in GENDERS.items()}

Resource = dict[str, Any]


class Record(NamedTuple):
    """A record as exports read it, in the order of their columns."""

    number: str
    name: str
    date_of_birth: date
    gender: str
    medical_conditions: str
    medications: bool
    allergies: str
    last_appointment_date: date | None
    tracker: str


def make_id(kind: str, *key: object) -> str:
    """Return the id of a resource, the same in every export. A patient's number may have characters that no id has."""
    return str(uuid5(_NAMESPACE, "\x1f".join([kind, *map(str, key)])))


def refer_to_patient(number: str) -> Resource:
    """Return a reference to a patient."""
    return {"reference": f"Patient/{make_id('Patient', number)}"}


def iterate_resources(record: Record) -> Iterator[Resource]:
    """Yield the patient, then what is known about their health. Nothing says what the patient does not have."""
    yield _make_patient(record)
    for place, term in enumerate(split_terms(record.medical_conditions)):
        yield _make_problem("Condition", "subject", record, place, term)
    for place, term in enumerate(split_terms(record.allergies)):
        yield _make_problem("AllergyIntolerance", "patient", record, place, term)
    if record.medications:
        yield {
            **_begin("MedicationStatement", record),
            "status": "active",
            "medicationCodeableConcept": {"text": "Not specified"},
            "subject": refer_to_patient(record.number),
        }
    if record.last_appointment_date:
        day = record.last_appointment_date.isoformat()
        yield {
            **_begin("Encounter", record),
            "status": "finished",
            "class": {"system": f"{_CODES}/v3-ActCode", "code": "AMB", "display": "ambulatory"},
            "subject": refer_to_patient(record.number),
            "period": {"start": day, "end": day},
        }


def _begin(kind: str, record: Record, *key: object) -> Resource:
    return {"resourceType": kind, "id": make_id(kind, record.number, *key)}


def _make_patient(record: Record) -> Resource:
    kind = {"coding": [{"system": f"{_CODES}/v2-0203", "code": MEDICAL_RECORD_NUMBER}]}
    return {
        **_begin("Patient", record),
        "identifier": [{"use": "usual", "type": kind, "value": record.number}],
        "name": [{"use": "official", "text": record.name}],
        "gender": _GENDER_CODES[record.gender],
        "birthDate": record.date_of_birth.isoformat(),
    }


def _make_problem(kind: str, element: str, record: Record, place: int, term: str) -> Resource:
    system = {"Condition": "condition-clinical", "AllergyIntolerance": "allergyintolerance-clinical"}[kind]
    return {
        **_begin(kind, record, place),
        "clinicalStatus": {"coding": [{"system": f"{_CODES}/{system}", "code": "active"}]},
        "code": {"text": term},
        element: refer_to_patient(record.number),
    }
