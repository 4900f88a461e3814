"""Garmin FIT: files that watches, bicycle computers and scales of many makers write."""

from collections.abc import Iterator

from healthtrack.imports.limits import format_size
from healthtrack.imports.opening import Container, Part, open_part
from healthtrack.imports.row_errors import DamageError, FileError, RowError
from readings.formats.base import Format
from readings.formats.batch import Batch

# A day of readings has some hundred kilobytes, a workout of a day with all sensors some megabytes.
MAX_BYTES = 64 * 2**20


class GarminFit(Format):
    name = "garmin_fit"
    label = "Garmin FIT"
    position = "record"

    def recognize(self, part: Part) -> bool:
        return part.beginning[8:12] == b".FIT"

    def read(self, part: Part | Container) -> Iterator[Batch]:
        """Yield the contents of each FIT file of the part: several may follow each other.

        Nothing of a FIT file is read before its checksum is found to be right, unless it was cut off.
        """
        # Only FIT files need fitdecode, which takes as long to import as all formats together.
        from readings.formats.garmin_fit.contents import FileContents  # noqa: PLC0415
        from readings.formats.garmin_fit.messages import BrokenFileError, read_files  # noqa: PLC0415

        assert isinstance(part, Part)  # noqa: S101 (the format has no containers)
        data, damage = _read_all(part)
        size = len(data)
        try:
            for contents in read_files(data, FileContents):
                yield from contents.make_batches(size)
                size = 0
        except BrokenFileError as error:
            yield Batch(errors=[RowError(str(error), error.record)], size=size)
        if damage:
            raise damage


def _read_all(part: Part) -> tuple[bytes, DamageError | None]:
    """Return the content, and the error of a part that is damaged after it."""
    pieces = []
    with open_part(part) as stream:
        try:
            while piece := stream.read(2**20):
                pieces.append(piece)
                if stream.read_bytes > MAX_BYTES:
                    raise FileError(RowError(f"The file {part.name} has more than {format_size(MAX_BYTES)}."))
        except DamageError as error:
            return b"".join(pieces), error
    return b"".join(pieces), None
