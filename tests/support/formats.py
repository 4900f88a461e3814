"""Read files by their formats, without a database."""

import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.opening import open_files
from healthtrack.imports.row_errors import FileError, RowError
from readings.formats.batch import LINE
from readings.formats.registry import divide


@dataclass
class Content:
    """All batches of files together; `formats` has the names of their formats."""

    formats: list[str] = field(default_factory=list)
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    episodes: pl.DataFrame = field(default_factory=pl.DataFrame)
    errors: list[RowError] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    people: set[str] = field(default_factory=set)

    def select(self, *columns: str) -> list[tuple[object, ...]]:
        """Return some columns of the rows, without the row's number."""
        return self.rows.select(columns).rows()


def read_files(*paths: Path) -> Content:
    """Return what the files contain. Errors of files as a whole are among the errors."""
    content = Content()
    rows, episodes = [], []
    try:
        with open_files([StoredFile(path.name, path.stat().st_size, path) for path in paths]) as parts:
            for reader, source in divide(parts):
                content.formats.append(reader.name if reader else "")
                for batch in reader.read(source) if reader else ():
                    rows.append(batch.rows)
                    content.errors += batch.errors
                    content.left_out.update({label: count for label, count in batch.left_out.items() if count})
                    content.people |= {batch.person} - {""}
                    if batch.episodes is not None:
                        episodes.append(batch.episodes)
    except FileError as error:
        content.errors += error.errors
    content.rows = pl.concat(rows, how="diagonal") if rows else pl.DataFrame({LINE: []})
    content.episodes = pl.concat(episodes, how="diagonal") if episodes else pl.DataFrame({LINE: []})
    return content


def make_zip(path: Path, members: Mapping[str, str | bytes] | Sequence[tuple[str, str | bytes]]) -> Path:
    """Write an archive with these members, and return its path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items() if isinstance(members, Mapping) else members:
            archive.writestr(name, content)
    return path
