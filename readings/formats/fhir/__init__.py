"""FHIR R4: Observations with the devices and patients that they refer to, as NDJSON or Bundles."""

from collections.abc import Iterable, Iterator, Sequence

from healthtrack.imports.fhir.resources import find_type, list_types
from healthtrack.imports.opening import Container, Part
from readings.formats.base import Format
from readings.formats.batch import Batch
from readings.formats.fhir.codes import FOR_RECORDS
from readings.formats.fhir.contents import Contents


class Fhir(Format):
    name = "fhir"
    label = "FHIR R4 Observations"
    position = "resource"
    spans_files = True

    def find_containers(self, parts: Sequence[Part]) -> Iterable[Sequence[Part]]:
        """Return all files of an upload with FHIR, because resources refer to others in other files."""
        found = [part for part in parts if self.recognize(part)]
        return [found] if found else []

    def recognize(self, part: Part) -> bool:
        return bool(find_type(part.beginning))

    def is_meant(self, source: Part | Container) -> bool:
        """Return whether the files have nothing for the import of medical records, as far as their beginnings show."""
        parts = source.parts if isinstance(source, Container) else [source]
        return not any(list_types(part.beginning) & FOR_RECORDS for part in parts)

    def read(self, part: Part | Container) -> Iterator[Batch]:
        """Yield the Observations. A file that is damaged is an error, and the others are read."""
        parts = part.parts if isinstance(part, Container) else [part]
        yield from Contents(parts).read()
