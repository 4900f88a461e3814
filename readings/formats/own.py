"""Our own form: CSV or NDJSON with documented columns."""

import re
from collections.abc import Iterator, Sequence

import polars as pl

from healthtrack.imports.opening import Container, Part, open_part
from healthtrack.imports.row_errors import FileError, RowError
from readings.formats.base import Format
from readings.formats.batch import LINE, Batch, complete
from readings.formats.blocks import BOM, chain, parse_csv, read_blocks
from readings.formats.tables import split_cells

# The columns of the form: a serial number is one of the things that `device` may be.
OWN_COLUMNS = ("patient_id", "metric", "start", "end", "value", "unit", "device")
REQUIRED = ("metric", "start", "value")
# Numbers of JSON, and what other programs write as such, in one of the columns. They become texts before the line is
# parsed, because parsers keep only as many digits as a float of 64 bits has. A quote before a colon ends a name.
_BARE_NUMBER = rf'"({"|".join(OWN_COLUMNS)})"\s*:\s*([-+]?(?:\.?[0-9]|NaN|Inf)[^,}}\s]*)'
_AS_TEXT = '"$1":"$2"'


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
            blocks = read_blocks(stream, part)
            first = next(blocks, b"")
            if first.lstrip().startswith(b"{"):
                yield from _read_json(first, blocks)
            else:
                yield from _read_csv(first, blocks, part)


def find_columns(part: Part) -> set[str]:
    """Return the columns of the form that the first line of a part names."""
    beginning = part.beginning.removeprefix(BOM).lstrip().decode("utf-8", "replace").lower()
    return set(re.findall(r"\w+", beginning.partition("\n")[0])).intersection(OWN_COLUMNS)


def _read_csv(first: bytes, blocks: Iterator[bytes], part: Part) -> Iterator[Batch]:
    head, _, body = first.partition(b"\n")
    names = [header.strip().lower() for header in split_cells(head.decode("utf-8", "replace").rstrip("\r"))]
    _check_header(names, part)
    line = 2
    for block in chain(body, blocks):
        known = [name if name in OWN_COLUMNS else f"ignored {place}" for place, name in enumerate(names)]
        rows, errors = parse_csv(block, known, line)
        yield Batch(complete(rows), errors, size=len(block))
        line += block.count(b"\n")


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


def _read_json(first: bytes, blocks: Iterator[bytes]) -> Iterator[Batch]:
    line = 1
    for block in chain(first, blocks):
        yield _parse_json(block, line)
        line += block.count(b"\n")


def _parse_json(block: bytes, line: int) -> Batch:
    lines = pl.DataFrame({"text": block.decode("utf-8", "replace").split("\n")[:-1]}).with_row_index(LINE, line)
    lines = lines.filter(pl.col("text").str.strip_chars() != "")
    lines = lines.with_columns(pl.col("text").str.replace_all(_BARE_NUMBER, _AS_TEXT))
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
            errors.append(RowError("The line is not a JSON object with these names.", number, "", text[:101]))
        else:
            good.append((number, value))
    return pl.DataFrame(good, schema={LINE: pl.UInt32, "text": kind}, orient="row"), errors
