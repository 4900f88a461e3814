"""Small FHIR files for tests: resources that are valid without arguments, NDJSON, Bundles and archives."""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

Content = dict[str, Any]
MR = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}


def patient(number: str = "P1", **elements: Any) -> Content:
    """Return a patient whose id is `id-` and the medical record number."""
    return {
        "resourceType": "Patient",
        "id": f"id-{number}",
        "identifier": [
            {"system": "urn:ssn", "value": f"9-{number}"},
            {"type": MR, "system": "urn:hospital", "value": number},
        ],
        "name": [{"use": "official", "family": "Byron", "given": ["Ada", "King"], "prefix": ["Ms."]}],
        "gender": "female",
        "birthDate": "1980-05-17",
        **elements,
    }


def condition(text: str = "Asthma", number: str = "P1", status: str = "active", **elements: Any) -> Content:
    return {**_problem("Condition", text, number, status), "subject": refer(number), **elements}


def allergy(text: str = "Pollen", number: str = "P1", status: str = "active", **elements: Any) -> Content:
    return {**_problem("AllergyIntolerance", text, number, status), "patient": refer(number), **elements}


def _problem(kind: str, text: str, number: str, status: str) -> Content:
    return {
        "resourceType": kind,
        "id": f"{kind}-{number}-{text}"[:64],
        "clinicalStatus": {"coding": [{"code": status}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "1", "display": text}], "text": text},
    }


def medication(status: str = "active", number: str = "P1", kind: str = "MedicationRequest", **elements: Any) -> Content:
    return {"resourceType": kind, "status": status, "intent": "order", "subject": refer(number), **elements}


def encounter(
    end: str = "2024-06-14T23:30:00-05:00", number: str = "P1", status: str = "finished", **elements: Any
) -> Content:
    period = {"start": "2024-06-14T08:00:00-05:00", "end": end}
    return {"resourceType": "Encounter", "status": status, "subject": refer(number), "period": period, **elements}


def refer(number: str) -> Content:
    return {"reference": f"Patient/id-{number}"}


def bundle(*resources: Content, kind: str = "collection", full_urls: Sequence[str] = ()) -> Content:
    """Return a Bundle of the resources."""
    urls = [{"fullUrl": url} for url in full_urls] or [{}] * len(resources)
    entries = [{**url, "resource": resource} for url, resource in zip(urls, resources, strict=True)]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def write_ndjson(path: Path, *resources: Content) -> Path:
    path.write_bytes(as_ndjson(*resources))
    return path


def as_ndjson(*resources: Content) -> bytes:
    return b"".join(json.dumps(resource).encode() + b"\n" for resource in resources)


def write_bundle(path: Path, *resources: Content, indent: int | None = None, **options: Any) -> Path:
    path.write_text(json.dumps(bundle(*resources, **options), indent=indent))
    return path


def write_gzip(path: Path, *resources: Content, content: bytes = b"") -> Path:
    path.write_bytes(gzip.compress(content or as_ndjson(*resources)))
    return path


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_by_type(folder: Path, resources: Iterable[Content]) -> list[Path]:
    """Write the resources as a bulk export does: one file for each type. Return the files."""
    by_type: dict[str, list[Content]] = {}
    for resource in resources:
        by_type.setdefault(resource["resourceType"], []).append(resource)
    return [write_ndjson(folder / f"{kind}.000.ndjson", *found) for kind, found in by_type.items()]
