"""Parts of uploads for tests of formats, and what a format reads of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.opening import Container, open_files
from readings.formats.base import Format
from readings.formats.batch import LINE

if TYPE_CHECKING:
    from healthtrack.imports.row_errors import RowError


class Contents:
    """Everything that a format reads of files."""

    def __init__(self, reader: Format, *paths: Path) -> None:
        self.rows: list[dict[str, Any]] = []
        self.episodes: list[dict[str, Any]] = []
        self.errors: list[RowError] = []
        self.left_out: dict[str, int] = {}
        self.size = 0
        with open_files([StoredFile(path.name, path.stat().st_size, path) for path in paths]) as parts:
            containers = [Container(found) for found in reader.find_containers(parts)]
            contained = {part.number for container in containers for part in container.parts}
            single = [part for part in parts if part.number not in contained and reader.recognize(part)]
            self.recognized = len(containers) + len(single)
            for part in [*containers, *single]:
                self._read(reader, part)

    def _read(self, reader: Format, part: Any) -> None:
        for batch in reader.read(part):
            self.rows += batch.rows.to_dicts()
            self.episodes += [] if batch.episodes is None else batch.episodes.to_dicts()
            self.errors += batch.errors
            self.size += batch.size
            for label, count in batch.left_out.items():
                self.left_out[label] = self.left_out.get(label, 0) + count

    def get(self, *columns: str) -> list[tuple[Any, ...]]:
        """Return these columns of all rows; `line` is the position."""
        return [tuple(row[LINE if column == "line" else column] for column in columns) for row in self.rows]
