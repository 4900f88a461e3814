"""FHIR files as uploads of medical records, recognized by their content."""

from collections.abc import Sequence
from pathlib import Path

from healthtrack.imports.fhir.resources import find_type, list_types
from healthtrack.imports.importer import StoredFile
from healthtrack.imports.opening import Part, open_files
from healthtrack.imports.progress import Progress
from healthtrack.imports.row_errors import FileError
from healthtrack.imports.tables.engine import TableSource

ENDINGS = (".json", ".ndjson", ".jsonl", ".gz", ".zip")
_NAMESPACE = b"http://hl7.org/fhir"


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
        if not found:
            return 0
        from patients.fhir.collecting import WANTED  # noqa: PLC0415  (most uploads are not FHIR)
        from patients.fhir.table import HEADERS  # noqa: PLC0415  (as above)

        return len(HEADERS) + 1 if found & WANTED else 1

    def find_misleading_name(self, name: str, path: Path) -> str:
        """Return why the name of a file of FHIR does not fit, and what to do; an empty text if it fits."""
        if any(part.beginning.lstrip().startswith(b"<") for part in _peek(path)):
            return "The file is FHIR in XML. Export the data as FHIR R4 in JSON: NDJSON or Bundles."
        if not name.lower().endswith(ENDINGS):
            return f"The file is FHIR in JSON, so its name must end in {', '.join(ENDINGS)}. Rename it."
        return ""

    def make_source(self, files: Sequence[StoredFile], progress: Progress) -> TableSource:
        from patients.fhir.source import FhirSource  # noqa: PLC0415  (most uploads are not FHIR)

        return FhirSource(files, progress)


def _peek(path: Path) -> list[Part]:
    """Return the parts of a file, each with its beginning; none if it is not an archive that can be read."""
    try:
        with open_files([StoredFile(path.name, 0, path)], is_quick=True) as parts:
            return [] if any(part.path.lower() == "xl/workbook.xml" for part in parts) else parts
    except FileError:
        return []
