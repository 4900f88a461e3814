"""Our own form: CSV or NDJSON with documented columns."""

import csv
import io
import re
from collections.abc import Iterator, Sequence

import polars as pl

from healthtrack.imports.opening import Container, Limited, Part, open_part
from healthtrack.imports.row_errors import FileError, RowError
from readings.formats.base import Format
from readings.formats.batch import LINE, Batch, complete

# The columns of the form: a serial number is one of the things that `device` may be.
OWN_COLUMNS = ("patient_id", "metric", "start", "end", "value", "unit", "device")
REQUIRED = ("metric", "start", "value")
_BLOCK_BYTES = 16 * 2**20
_BOM = b"\xef\xbb\xbf"
MAX_LINE_BYTES = 2**20


class OwnForm(Format):
    name = "own"
    label = "CSV or NDJSON with our columns"

    def recognize(self, part: Part) -> bool:
        """Return whether the first line names a column that no other format has."""
        return not find_columns(part).isdisjoint(("patient_id", "metric"))

    def read(self, part: Part | Container) -> Iterator[Batch]:
        """Yield the rows. Raise FileError if the part is damaged, or lacks a column that is needed."""
        assert isinstance(part, Part)  # noqa: S101 (the format has no containers)
        with open_part(part) as stream:
            blocks = _read_blocks(stream, part)
            first = next(blocks, b"")
            if first.lstrip().startswith(b"{"):
                yield from _read_json(first, blocks)
            else:
                yield from _read_csv(first, blocks, part)


def find_columns(part: Part) -> set[str]:
    """Return the columns of the form that the first line of a part names."""
    beginning = part.beginning.removeprefix(_BOM).lstrip().decode("utf-8", "replace").lower()
    return set(re.findall(r"\w+", beginning.partition("\n")[0])).intersection(OWN_COLUMNS)


def _read_blocks(stream: Limited, part: Part) -> Iterator[bytes]:
    """Yield whole lines, about `_BLOCK_BYTES` at once."""
    rest, is_first = b"", True
    while data := stream.read(_BLOCK_BYTES):
        if is_first:
            data, is_first = data.removeprefix(_BOM), False
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
        raise FileError(RowError(f"The file {part.name} is no text in UTF-8. Save it as CSV in UTF-8."))


def _read_csv(first: bytes, blocks: Iterator[bytes], part: Part) -> Iterator[Batch]:
    head, _, body = first.partition(b"\n")
    headers = next(csv.reader([head.decode("utf-8", "replace").rstrip("\r")]), [])
    names = [header.strip().lower() for header in headers]
    _check_header(names, part)
    line = 2
    for block in _chain(body, blocks):
        yield _parse_csv(block, names, line)
        line += block.count(b"\n")


def _chain(body: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    if body:
        yield body
    yield from blocks


def _check_header(names: Sequence[str], part: Part) -> None:
    if missing := [name for name in REQUIRED if name not in names]:
        raise FileError(
            RowError(
                f"The file {part.name} has no column {', '.join(missing)}. The first line must name the columns:"
                f" {', '.join(OWN_COLUMNS)}, separated by commas.",
                1,
            )
        )
    if repeated := sorted({name for name in names if name in OWN_COLUMNS and names.count(name) > 1}):
        raise FileError(RowError(f"The file {part.name} has the column {', '.join(repeated)} twice.", 1))


def _parse_csv(block: bytes, names: Sequence[str], line: int) -> Batch:
    known = [name if name in OWN_COLUMNS else f"ignored {place}" for place, name in enumerate(names)]
    try:
        rows = pl.read_csv(
            block, has_header=False, new_columns=known, schema=dict.fromkeys(known, pl.String), quote_char='"'
        )
        if not _has_all_cells(block, rows):
            return _parse_slowly(block, known, line)
    except pl.exceptions.PolarsError:
        return _parse_slowly(block, known, line)
    return Batch(complete(rows.with_row_index(LINE, line)), size=len(block))


def _has_all_cells(block: bytes, rows: pl.DataFrame) -> bool:
    """Return whether each line has a cell for each column. polars fills in missing cells at the end of a line."""
    if len(rows) != block.count(b"\n"):
        return False
    if b'"' not in block:
        return block.count(b",") == len(rows) * (rows.width - 1)
    lines = block.split(b"\n")
    shorter = rows.with_row_index("place").filter(pl.last().is_null())["place"]
    return not any(_split(lines[place], rows.width)[1] for place in shorter)


def _parse_slowly(block: bytes, known: Sequence[str], line: int) -> Batch:
    """Parse lines one by one, because some of them do not fit the header, or are no UTF-8."""
    rows, errors = [], []
    for number, raw in enumerate(block.split(b"\n")[:-1], start=line):
        if not raw.strip():
            continue
        cells, reason = _split(raw, len(known))
        if reason:
            errors.append(RowError(reason, number, "", raw.decode("utf-8", "replace")[:101]))
        else:
            rows.append((number, *cells))
    schema = {LINE: pl.UInt32, **dict.fromkeys(known, pl.String)}
    return Batch(complete(pl.DataFrame(rows, schema=schema, orient="row")), errors, size=len(block))


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


def _read_json(first: bytes, blocks: Iterator[bytes]) -> Iterator[Batch]:
    line = 1
    for block in _chain(first, blocks):
        yield _parse_json(block, line)
        line += block.count(b"\n")


def _parse_json(block: bytes, line: int) -> Batch:
    lines = pl.DataFrame({"text": block.decode("utf-8", "replace").split("\n")[:-1]}).with_row_index(LINE, line)
    lines = lines.filter(pl.col("text").str.strip_chars() != "")
    kind = pl.Struct(dict.fromkeys(OWN_COLUMNS, pl.String))
    try:
        decoded = lines.with_columns(pl.col("text").str.json_decode(kind))
        errors: list[RowError] = []
    except pl.exceptions.PolarsError:
        decoded, errors = _decode_slowly(lines, kind)
    rows = decoded.unnest("text")
    return Batch(complete(rows), errors, size=len(block))


def _decode_slowly(lines: pl.DataFrame, kind: pl.Struct) -> tuple[pl.DataFrame, list[RowError]]:
    good, errors = [], []
    for number, text in lines.iter_rows():
        try:
            value = pl.Series([text]).str.json_decode(kind).item()
        except pl.exceptions.PolarsError:
            value = None
        if value is None:
            errors.append(RowError("The line is no JSON object with these names.", number, "", text[:101]))
        else:
            good.append((number, value))
    return pl.DataFrame(good, schema={LINE: pl.UInt32, "text": kind}, orient="row"), errors
