"""Exports of records as FHIR R4: streamed as a Bundle or as NDJSON, with what other apps know about the patients."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import ClassVar

import orjson
from django.http import StreamingHttpResponse
from import_export.formats.base_formats import Format

from patients.fhir.export_parts import ExportPart
from patients.fhir.writing import Record, Resource, iterate_resources

PATIENTS_PER_CHUNK = 500


class FhirFormat(Format):
    """A format of the export page."""

    label: ClassVar[str]
    extension: ClassVar[str]
    content_type: ClassVar[str]
    has_all: ClassVar[bool] = False  # also what is only written on request

    def get_title(self) -> str:
        return self.label

    def get_extension(self) -> str:
        return self.extension

    def get_content_type(self) -> str:
        return self.content_type

    def can_export(self) -> bool:
        return True

    def write(self, resources: Iterable[Resource]) -> Iterator[bytes]:
        """Yield the file in pieces."""
        raise NotImplementedError


class FhirNdjson(FhirFormat):
    label = "FHIR R4, NDJSON"
    extension = "ndjson"
    content_type = "application/fhir+ndjson"

    def write(self, resources: Iterable[Resource]) -> Iterator[bytes]:
        return (orjson.dumps(resource) + b"\n" for resource in resources)


class FhirWithReadings(FhirNdjson):
    label = "FHIR R4, NDJSON with readings"
    has_all = True


class FhirBundle(FhirFormat):
    label = "FHIR R4, Bundle"
    extension = "json"
    content_type = "application/fhir+json"

    def write(self, resources: Iterable[Resource]) -> Iterator[bytes]:
        yield b'{"resourceType":"Bundle","type":"collection","entry":['
        for number, resource in enumerate(resources):
            entry = {"fullUrl": f"urn:uuid:{resource['id']}", "resource": _refer_by_urn(resource)}
            yield (b",\n" if number else b"\n") + orjson.dumps(entry)
        yield b"\n]}\n"


def _refer_by_urn(resource: Resource) -> Resource:
    """Return a resource of a Bundle: it refers to others by what the Bundle calls them."""
    return {
        name: {"reference": f"urn:uuid:{value['reference'].partition('/')[2]}"}
        if isinstance(value, dict) and "reference" in value
        else value
        for name, value in resource.items()
    }


def stream(
    records: Iterable[Sequence[object]], file_format: FhirFormat, file_name: str, parts: Sequence[ExportPart]
) -> StreamingHttpResponse:
    """Return the records, which are rows in the order of `Record`, as a download. They are read as they are sent."""
    pieces = _join(file_format.write(_iterate(map(Record._make, records), parts)))
    disposition = f'attachment; filename="{file_name}"'
    return StreamingHttpResponse(
        pieces, content_type=file_format.content_type, headers={"Content-Disposition": disposition}
    )


def _iterate(records: Iterator[Record], parts: Sequence[ExportPart]) -> Iterator[Resource]:
    shared: set[str] = set()
    while chunk := list(islice(records, PATIENTS_PER_CHUNK)):
        made = [part.make([record.number for record in chunk]) for part in parts]
        for record in chunk:
            yield from iterate_resources(record)
            for resources in made:
                for resource in resources.get(record.number, ()):
                    if resource["resourceType"] != "Device" or resource["id"] not in shared:
                        yield resource
                    if resource["resourceType"] == "Device":
                        shared.add(resource["id"])


def _join(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Return the pieces in larger ones, because each is sent by itself."""
    while some := list(islice(pieces, PATIENTS_PER_CHUNK)):
        yield b"".join(some)
