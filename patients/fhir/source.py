"""FHIR files of an upload, read as one table of medical records."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from healthtrack.imports.detection.reading import FileReading
from healthtrack.imports.fhir.resources import Place, ResourceReader, describe_place
from healthtrack.imports.importer import StoredFile
from healthtrack.imports.models import Stage
from healthtrack.imports.opening import open_files
from healthtrack.imports.progress import Progress
from healthtrack.imports.reading.table import Table
from patients.fhir.collecting import WANTED, Collection
from patients.fhir.table import HEADERS, make_table

_RESOURCES_PER_STEP = 1000


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
