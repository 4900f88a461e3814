"""Apple Health: the export of an iPhone, a zip archive with one large XML file, or this file alone."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from healthtrack.imports.opening import Container, Part, open_part
from readings.formats.apple_health.elements import read_elements
from readings.formats.apple_health.records import Records
from readings.formats.base import Format
from readings.formats.batch import Batch

# The folders beside the XML file, and what is in them.
_FOLDERS = {
    "workout-routes": "routes",
    "electrocardiograms": "electrocardiograms",
    "clinical-records": "clinical records",
    "attachments": "attachments",
}
_OTHER_FILES = "documents (CDA)"


class AppleHealth(Format):
    name = "apple_health"
    label = "Apple Health"
    position = "record"

    def find_containers(self, parts: Sequence[Part]) -> Iterable[Sequence[Part]]:
        """Return each XML file of an archive, first, with the files in its folder and those that it refers to."""
        for main in filter(self.recognize, parts):
            if main.path:
                yield [main, *(part for part in parts if part != main and _belongs(part, main))]

    def recognize(self, part: Part) -> bool:
        """Return whether the root of the document is HealthData, whatever the language of the file's name."""
        beginning = part.beginning.lstrip(b"\xef\xbb\xbf \r\n\t")
        return beginning.startswith(b"<") and any(
            mark in beginning for mark in (b"<HealthData", b"<!DOCTYPE HealthData")
        )

    def read(self, part: Part | Container) -> Iterator[Batch]:
        """Yield the records that have a metric, nights and workouts. The definitions before the root are left out."""
        main, *others = part.parts if isinstance(part, Container) else [part]
        left_out = Counter(_FOLDERS.get(other.folder.name, _OTHER_FILES) for other in others)
        records = Records()
        with open_part(main) as stream:
            for elements in read_elements(stream):
                yield records.read(elements)
        yield Batch(left_out=left_out, part=main)


def _belongs(part: Part, main: Part) -> bool:
    if part.folder == main.folder:
        return part.path.lower().endswith("_cda.xml") or b"<ClinicalDocument" in part.beginning
    return part.folder.parent == main.folder and part.folder.name in _FOLDERS
