"""Records as Apple writes them, an element on each line: they are read by columns, which is several times faster.

Only pieces in which each line has the expected form are read so. All others go to the parser of XML, which decides what
is right and wrong; so what is read never depends on the way in which it is read.
"""

import re
from html import unescape
from typing import NamedTuple

import polars as pl

from readings.formats.apple_health.devices import ADDRESS
from readings.formats.batch import LINE

ATTRIBUTES = ("type", "sourceName", "device", "unit", "startDate", "endDate", "value")
BEGINNING = b" <Record "
# A line is split at its quotes: names of attributes and values in turn. More attributes than these are not expected.
_COLUMNS = [f"c{place}" for place in range(24)]
_NAMES, _VALUES = _COLUMNS[::2], _COLUMNS[1::2]
_SCHEMA = dict.fromkeys(_COLUMNS, pl.String)
_RECORD, _RECORD_END = " <Record type=", " </Record>"
_ENTRY, _BEAT = "  <MetadataEntry key=", "   <InstantaneousBeatsPerMinute bpm="
_BEATS, _BEATS_END = "  <HeartRateVariabilityMetadataList>", "  </HeartRateVariabilityMetadataList>"
_SHAPE = re.compile(r' <Record type=((?:" [A-Za-z]+=)*)"(/?)>')
_ESCAPED_ADDRESS = ADDRESS.replace("<?<?", "(?:&lt;){2}").replace(">", "&gt;")
_PLAIN = ("type", "startDate", "endDate", "value")


class Lines(NamedTuple):
    """The records of a piece: `table` has `ATTRIBUTES` and the number of each, of which `number` is the last.

    `zones` is that of `Elements`; `beats` is the number of single heart beats.
    """

    table: pl.DataFrame
    number: int
    zones: dict[int, str]
    beats: int


def read_lines(piece: bytes, number: int) -> Lines | None:
    """Return the records of whole lines; None if a line has another form. `number` is that of the record before."""
    if b"\t" in piece or b"\r" in piece:
        return None
    try:
        rows = pl.read_csv(
            piece, separator='"', quote_char=None, has_header=False, schema=_SCHEMA, truncate_ragged_lines=True
        )
    except pl.exceptions.PolarsError:
        return None
    if len(rows) != piece.count(b"\n") or len(rows) != piece.count(b"<") or rows[_COLUMNS[-1]].count():
        return None
    first = pl.col("c0")
    records = rows.with_columns(
        (pl.lit(number, pl.Int64) + (first == _RECORD).cum_sum()).alias(LINE),
        shape=pl.concat_str(_NAMES, separator='"', ignore_nulls=True),
    )
    tables = _divide(records.filter(first == _RECORD))
    if tables is None or not _is_balanced(records):
        return None
    table = _unescape(pl.concat(tables))
    if table is None:
        return None
    zones = records.filter(first == _ENTRY, pl.col("c1") == "HKTimeZone").select(LINE, "c3")
    beats = int(rows.select((first == _BEAT).sum()).item())
    return Lines(table, number + len(table), dict(zones.iter_rows()), beats)


def _divide(records: pl.DataFrame) -> list[pl.DataFrame] | None:
    """Return the records of each shape as attributes; None if a shape is not that of a record."""
    tables = []
    for (shape,), alike in records.group_by("shape"):
        found = _SHAPE.fullmatch(str(shape))
        names = ["type", *re.findall(r"[A-Za-z]+", found[1])] if found else []
        if len(set(names)) != len(names) or not names:
            return None
        places = {name: _VALUES[place] for place, name in enumerate(names)}
        # An attribute without a value is an empty text, as the parser gives it.
        cells = [
            pl.col(places[name]).fill_null("") if name in places else pl.lit(None, pl.String) for name in ATTRIBUTES
        ]
        named = [cell.alias(name) for cell, name in zip(cells, ATTRIBUTES, strict=True)]
        tables.append(alike.select(LINE, *named))
    return tables or None


def _is_balanced(rows: pl.DataFrame) -> bool:
    """Return whether each line is what may stand there: within a record only metadata, and within these only beats."""
    first, shape = pl.col("c0"), pl.col("shape")
    opens = (first == _RECORD) & shape.str.ends_with('">')
    closes = shape == _RECORD_END
    begins, ends = shape == _BEATS, shape == _BEATS_END
    is_entry = shape == f'{_ENTRY}" value="/>'
    is_beat = shape == f'{_BEAT}" time="/>'
    # How many records and lists are open after the line.
    in_record = opens.cast(pl.Int32).cum_sum() - closes.cast(pl.Int32).cum_sum()
    in_beats = begins.cast(pl.Int32).cum_sum() - ends.cast(pl.Int32).cum_sum()
    fits = (
        pl.when(opens | ends | is_entry)
        .then((in_record == 1) & (in_beats == 0))
        .when((first == _RECORD) | closes)
        .then((in_record == 0) & (in_beats == 0))
        .when(begins | is_beat)
        .then((in_record == 1) & (in_beats == 1))
        .otherwise(statement=False)
    )
    has_reference = pl.any_horizontal(
        pl.col(name).str.contains("&", literal=True).fill_null(value=False) for name in ("c1", "c3")
    )
    is_right = fits & ~((is_entry | is_beat) & has_reference)
    return bool(rows.select(is_right.all() & (in_record.last() == 0)).item())


def _unescape(table: pl.DataFrame) -> pl.DataFrame | None:
    """Return the table with the characters that are written as references; None if there are others than expected."""
    if any(table[name].str.contains("&", literal=True).any() for name in _PLAIN):
        return None
    table = table.with_columns(device=pl.col("device").str.replace(_ESCAPED_ADDRESS, ""))
    for name in ("sourceName", "device", "unit"):
        texts = table[name].unique()
        escaped = texts.filter(texts.str.contains("&", literal=True)).to_list()
        if any(re.sub(r"&(?:lt|gt|amp|quot|apos);", "", text).count("&") for text in escaped):
            return None
        if escaped:
            table = table.with_columns(pl.col(name).replace({text: unescape(text) for text in escaped}))
    return table
