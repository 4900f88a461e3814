"""Health Connect: the database that Android exports, in a zip archive."""

from collections.abc import Iterator

from healthtrack.imports.opening import Container, Part
from readings.formats.base import Format
from readings.formats.batch import Batch
from readings.formats.health_connect.contents import read_contents
from readings.formats.health_connect.database import open_database

_SQLITE = b"SQLite format 3\0"


class HealthConnect(Format):
    name = "health_connect"
    label = "Health Connect"
    position = "row"

    def recognize(self, part: Part) -> bool:
        return part.beginning.startswith(_SQLITE)

    def read(self, part: Part | Container) -> Iterator[Batch]:
        """Yield the rows of each table. Raise FileError if it is not a database of Health Connect, or a damaged one."""
        assert isinstance(part, Part)  # noqa: S101 (the format has no containers)
        with open_database(part) as database:
            yield from read_contents(database, part)
