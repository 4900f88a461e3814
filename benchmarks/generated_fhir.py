"""A bulk export and Bundles of invented patients, with as many resources of each type as Synthea makes."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

Content = dict[str, Any]

# Resources of each type of a patient. The observations fill a megabyte, about as much as Synthea's.
COUNTS = {"Condition": 43, "AllergyIntolerance": 1, "Encounter": 93, "MedicationRequest": 134, "Observation": 730}
_TEXTS = [f"Invented disorder of kind {number} (disorder)" for number in range(200)]
_CODES = "http://terminology.hl7.org/CodeSystem"


def make_patient(number: int) -> Content:
    name = {"use": "official", "family": f"Family{number % 997}", "given": [f"Given{number % 89}"], "prefix": ["Ms."]}
    kind = {"coding": [{"system": f"{_CODES}/v2-0203", "code": "MR", "display": "Medical Record Number"}]}
    return {
        "resourceType": "Patient",
        "id": f"{number:08}-0000-4000-8000-000000000000",
        "text": {"status": "generated", "div": "<div>" + "Generated. " * 150 + "</div>"},
        "identifier": [{"type": kind, "system": "http://hospital.example", "value": f"{number:08}"}],
        "name": [name],
        "gender": ("female", "male", "other", "unknown")[number % 4],
        "birthDate": f"{1930 + number % 80}-{1 + number % 12:02}-{1 + number % 28:02}",
    }


def iterate_resources(number: int) -> Iterator[Content]:
    """Yield all resources of a patient."""
    random = Random(number)  # noqa: S311 (no secret)
    patient = make_patient(number)
    yield patient
    for kind, count in COUNTS.items():
        for place in range(count):
            yield _make_resource(kind, f"{kind}-{number}-{place}", patient["id"], random)


def _make_resource(kind: str, identity: str, patient: str, random: Random) -> Content:
    text = random.choice(_TEXTS)
    day = f"{random.randint(1990, 2024)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}T08:15:00-05:00"
    concept = {"coding": [{"system": "http://snomed.info/sct", "code": text[26:29], "display": text}], "text": text}
    status = {"coding": [{"system": f"{_CODES}/condition-clinical", "code": random.choice(["active", "resolved"])}]}
    resource: Content = {
        "resourceType": kind,
        "id": identity,
        "meta": {"profile": [f"http://hl7.org/fhir/us/core/StructureDefinition/us-core-{kind.lower()}"]},
        "patient" if kind == "AllergyIntolerance" else "subject": {"reference": f"Patient/{patient}"},
        "code": concept,
        "status": {"Encounter": "finished", "Observation": "final"}.get(kind, "stopped"),
        "category": [{"coding": [{"system": f"{_CODES}/category", "code": "encounter-diagnosis", "display": text}]}],
        "period": {"start": day, "end": day},
        "serviceProvider": {"reference": "Organization?identifier=https://example.org|12345", "display": text},
        "recordedDate": day,
    }
    if kind in {"Condition", "AllergyIntolerance"}:
        resource["clinicalStatus"] = status
    if kind == "Encounter":
        resource["participant"] = [{"type": [concept], "period": {"start": day, "end": day}, "individual": concept}]
    if kind == "Observation":
        resource["valueQuantity"] = {"value": random.random() * 100, "unit": "mg/dL", "code": "mg/dL"}
    return resource


def write_bulk(folder: Path, patients: int) -> list[Path]:
    """Write a file for each type, as a bulk export does. Return the files."""
    files = {kind: (folder / f"{kind}.000.ndjson").open("w") for kind in ("Patient", *COUNTS)}
    for number in range(patients):
        for resource in iterate_resources(number):
            files[resource["resourceType"]].write(json.dumps(resource, separators=(",", ":")) + "\n")
    for file in files.values():
        file.close()
    return [Path(file.name) for file in files.values()]


def write_bundles(folder: Path, patients: int) -> list[Path]:
    """Write an indented transaction for each patient, as Synthea does. Return the files."""
    paths = []
    for number in range(patients):
        entries = [
            {"fullUrl": f"urn:uuid:{each['id']}", "resource": each, "request": {"method": "POST", "url": "x"}}
            for each in iterate_resources(number)
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        paths.append(folder / f"patient-{number}.json")
        paths[-1].write_text(json.dumps(bundle, indent=2))
    return paths
