"""Blocks of whole lines, and the tables in them: CSV with commas in UTF-8, parsed by columns where it is valid."""

import csv
import io
from collections.abc import Iterator, Sequence

import polars as pl

from healthtrack.imports.opening import Limited, Part
from healthtrack.imports.row_errors import FileError, RowError
from readings.formats.batch import LINE

_BLOCK_BYTES = 8 * 2**20
BOM = b"\xef\xbb\xbf"
MAX_LINE_BYTES = 2**20


def read_blocks(stream: Limited, part: Part) -> Iterator[bytes]:
    """Yield whole lines, about `_BLOCK_BYTES` at once."""
    rest, is_first = b"", True
    while data := stream.read(_BLOCK_BYTES):
        if is_first:
            data, is_first = data.removeprefix(BOM), False
            _check_text(data, part)
        whole, newline, last = (rest + data).rpartition(b"\n")
        if newline:
            yield whole + newline
        rest = last
        if len(rest) > _BLOCK_BYTES + MAX_LINE_BYTES:
            raise FileError(RowError(f"The file {part.name} has a line of more than a megabyte."))
    if rest:
        yield rest + b"\n"


def _check_text(data: bytes, part: Part) -> None:
    if b"\0" in data[:4096]:
        raise FileError(RowError(f"The file {part.name} is not text in UTF-8. Save it as CSV in UTF-8."))


def chain(body: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the rest of a first block, unless it is empty, and the other blocks."""
    if body:
        yield body
    yield from blocks


def parse_csv(block: bytes, names: Sequence[str], line: int) -> tuple[pl.DataFrame, Sequence[RowError]]:
    """Return the rows of whole lines, as text with the number of each line, and the lines that do not fit the names."""
    try:
        rows = pl.read_csv(
            block, has_header=False, new_columns=names, schema=dict.fromkeys(names, pl.String), quote_char='"'
        )
        if not _has_all_cells(block, rows):
            return _parse_slowly(block, names, line)
    except pl.exceptions.PolarsError:
        return _parse_slowly(block, names, line)
    return rows.with_row_index(LINE, line), []


def _has_all_cells(block: bytes, rows: pl.DataFrame) -> bool:
    """Return whether each line has a cell for each column. polars fills in missing cells at the end of a line."""
    if len(rows) != block.count(b"\n"):
        return False
    if b'"' not in block:
        return block.count(b",") == len(rows) * (rows.width - 1)
    lines = block.split(b"\n")
    shorter = rows.with_row_index("place").filter(pl.last().is_null())["place"]
    return not any(_split(lines[place], rows.width)[1] for place in shorter)


def _parse_slowly(block: bytes, names: Sequence[str], line: int) -> tuple[pl.DataFrame, Sequence[RowError]]:
    """Parse lines one by one, because some of them do not fit the header, or are not UTF-8."""
    rows, errors = [], []
    for number, raw in enumerate(block.split(b"\n")[:-1], start=line):
        if not raw.strip():
            continue
        cells, reason = _split(raw, len(names))
        if reason:
            errors.append(RowError(reason, number, "", raw.decode("utf-8", "replace")[:101]))
        else:
            rows.append((number, *cells))
    schema = {LINE: pl.UInt32, **dict.fromkeys(names, pl.String)}
    return pl.DataFrame(rows, schema=schema, orient="row"), errors


def _split(raw: bytes, width: int) -> tuple[list[str | None], str]:
    try:
        text = raw.decode().rstrip("\r")
        cells = next(csv.reader(io.StringIO(text), strict=True))
    except UnicodeDecodeError:
        return [], "The line is not in UTF-8. Save the file in UTF-8."
    except (csv.Error, StopIteration):
        return [], "A quote is opened but not closed, or ends inside a cell."
    if len(cells) != width:
        return [], f"Has {len(cells)} cells, but the header has {width}."
    return [cell or None for cell in cells], ""
