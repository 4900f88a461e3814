"""Open mHealth and IEEE 1752.1: data points in JSON, as arrays, one on each line, or one in a file."""

import re
from collections.abc import Iterator

from healthtrack.imports.opening import Container, Part
from healthtrack.imports.row_errors import DamageError
from readings.formats.base import Format
from readings.formats.batch import Batch
from readings.formats.documents import read_documents
from readings.formats.open_mhealth.collecting import Collector

_BOM = b"\xef\xbb\xbf"
# What only data points have: a header that names a schema, or a body with the time in which it is valid.
_NAMES = re.compile(rb'"(?:schema_id|effective_time_frame)"\s*:\s*\{')


class OpenMHealth(Format):
    name = "open_mhealth"
    label = "Open mHealth or IEEE 1752.1"
    position = "entry"

    def recognize(self, part: Part) -> bool:
        text = part.beginning.removeprefix(_BOM).lstrip()
        return text[:1] in {b"[", b"{"} and bool(_NAMES.search(text))

    def read(self, part: Part | Container) -> Iterator[Batch]:
        """Yield the data points. Raise FileError if the part is damaged, or no JSON."""
        assert isinstance(part, Part)  # noqa: S101 (the format has no containers)
        collector = Collector()
        try:
            for document in read_documents(part):
                collector.add(document)
                if collector.is_full:
                    yield collector.take_batch()
        except DamageError:
            yield collector.take_batch()
            raise
        yield collector.take_batch()
