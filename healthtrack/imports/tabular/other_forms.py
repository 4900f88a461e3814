"""Forms of uploads that are not tables, such as FHIR. Classes of other apps make tables of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.progress import Progress
from healthtrack.imports.tables.engine import TableSource


class OtherForm(Protocol):
    """A form of uploads that are not tables, but are made into one. Plans store the `name`."""

    name: str
    accepts: str  # as in the accept attribute of HTML
    hint: str

    def recognize(self, path: Path) -> int:
        """Return how well a file fits: 0 if it does not have this form; see `Importer.recognize`."""

    def find_misleading_name(self, name: str, path: Path) -> str:
        """Return why the name of a file does not fit: see `Importer.find_misleading_name`."""

    def make_source(self, files: Sequence[StoredFile], progress: Progress) -> TableSource:
        """Return the table of these files, to be opened once."""
