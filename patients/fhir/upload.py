"""FHIR files as uploads of medical records: recognized by their content, and read as one table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from healthtrack.imports.detection.reading import FileReading
from healthtrack.imports.fhir.resources import Place, ResourceReader, describe_place, find_type, list_types
from healthtrack.imports.importer import StoredFile
from healthtrack.imports.models import Stage
from healthtrack.imports.opening import Part, open_files
from healthtrack.imports.progress import Progress
from healthtrack.imports.reading.table import Table
from healthtrack.imports.row_errors import FileError
from patients.fhir.collecting import WANTED, Collection
from patients.fhir.table import HEADERS, make_table

ENDINGS = (".json", ".ndjson", ".jsonl", ".gz", ".zip")
_NAMESPACE = b"http://hl7.org/fhir"
_RESOURCES_PER_STEP = 1000


class FhirRecords:
    """FHIR R4 as a form of uploads of medical records."""

    name = "fhir"
    accepts = ",".join(ENDINGS)
    hint = "or FHIR R4 in JSON: NDJSON files or Bundles, several at once or as a zip"

    def recognize(self, path: Path) -> int:
        """Return how well a file fits: 0 if it is not FHIR, else more if it begins with resources of records."""
        found: set[str] = set()
        for part in _peek(path):
            if _NAMESPACE in part.beginning or find_type(part.beginning):
                found.add("")
            found |= list_types(part.beginning)
        return len(HEADERS) + 1 if found & WANTED else min(len(found), 1)

    def find_misleading_name(self, name: str, path: Path) -> str:
        """Return why the name of a file of FHIR does not fit, and what to do; an empty text if it fits."""
        if any(part.beginning.lstrip().startswith(b"<") for part in _peek(path)):
            return "The file is FHIR in XML. Export the data as FHIR R4 in JSON: NDJSON or Bundles."
        if not name.lower().endswith(ENDINGS):
            return f"The file is FHIR in JSON, so its name must end in {', '.join(ENDINGS)}. Rename it."
        return ""

    def make_source(self, files: Sequence[StoredFile], progress: Progress) -> "FhirSource":
        return FhirSource(files, progress)


@dataclass(frozen=True)
class FhirSource:
    """The table that the files of an upload are made into."""

    files: Sequence[StoredFile]
    progress: Progress

    @property
    def reading(self) -> FileReading:
        return FileReading(fields=dict(enumerate(HEADERS)), is_final=True)

    @contextmanager
    def open(self) -> Iterator[Table]:
        """Read all files, and yield the table. Raise FileError if one of them cannot be read."""
        with open_files(self.files) as parts:
            names = {part.number: part.name for part in parts}

            def describe(place: Place) -> str:
                return describe_place(names[place.part], place)

            collected = Collection(describe)
            reader = ResourceReader(WANTED)
            self.progress.begin(Stage.READING, sum(part.size for part in parts), in_bytes=True)
            reported = 0
            for part in parts:
                for number, resource in enumerate(reader.read(part)):
                    collected.add(resource)
                    if not number % _RESOURCES_PER_STEP:
                        self.progress.advance(reader.read_bytes - reported)
                        reported = reader.read_bytes
        collected.counts.update(reader.others)
        yield make_table(collected)


def _peek(path: Path) -> list[Part]:
    """Return the parts of a file, each with its beginning; none if it is not an archive that can be read."""
    try:
        with open_files([StoredFile(path.name, 0, path)], is_quick=True) as parts:
            return [] if any(part.path.lower() == "xl/workbook.xml" for part in parts) else parts
    except FileError:
        return []
