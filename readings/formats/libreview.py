"""FreeStyle LibreView: a table of all records of an account, with headers in the account's language."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress

import polars as pl

from healthtrack.imports.opening import Container, Part
from healthtrack.imports.row_errors import DamageError, FileError, RowError
from readings.formats.base import Format
from readings.formats.batch import LINE, Batch, complete
from readings.formats.chunks import read_chunks
from readings.formats.glucose import find_unit, read_glucose
from readings.formats.tables import Record, read_records, split_beginning

_DEVICE, _SERIAL, _TIME, _KIND, _NOTES = 0, 1, 2, 3, 13
_MIN_COLUMNS = 15
# By the kind of a record: the metric and the column of its value.
_VALUES = {"0": ("glucose", 4), "1": ("glucose_scan", 5), "2": ("blood_glucose", 14)}
_LEFT_OUT = {"3": "ketones", "4": "insulin", "5": "meals", "6": "notes and events"}
_LIMITS = {"mg/dL": ("39", "501"), "mmol/L": ("2.1", "27.9")}
_STAMP = re.compile(
    r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})[ T]+(\d{1,2})[:.](\d\d)(?:[:.](\d\d))?\s*([AaPp])?\.?\s*(?:[Mm]\.?)?"
)
_BATCH = 200_000
_UNPROVEN = (
    "No date in the file {name} shows whether the day or the month comes first. Export a longer period, which includes"
    " days after the 12th."
)
_CONTRADICTORY = "The dates of the file {name} have the day first in some rows, and the month first in others."


class LibreView(Format):
    name = "libreview"
    label = "FreeStyle LibreView"

    def recognize(self, part: Part) -> bool:
        """Return whether a header with a unit of glucose is followed by a record, or has the names in English."""
        records = split_beginning(part)[:8]
        is_english = any(
            record.get(_SERIAL) == "Serial Number" and record.get(_KIND) == "Record Type" for record in records
        )
        return is_english or (any(map(_is_header, records)) and any(map(_is_record, records)))

    def read(self, part: Part | Container) -> Iterator[Batch]:
        """Yield the values of glucose. Raise FileError if no date proves its order of day and month."""
        assert isinstance(part, Part)  # noqa: S101 (the format has no containers)
        reader = _Reader(_find_order(part))
        for chunk in read_chunks(read_records(part), _BATCH):
            yield reader.read(chunk)


def _is_record(record: Record) -> bool:
    return (
        len(record.cells) >= _MIN_COLUMNS
        and bool(_STAMP.fullmatch(record.get(_TIME)))
        and record.get(_KIND) in {*_VALUES, *_LEFT_OUT}
    )


def _is_header(record: Record) -> bool:
    """Return whether these are names of columns: as many as those of a record, and no time among them."""
    return len(record.cells) >= _MIN_COLUMNS and bool(record.get(_KIND)) and not record.get(_KIND).isdigit()


def _find_order(part: Part) -> str:
    """Return the order of dates that a row proves. If the part is damaged, reading it again reports that."""
    proven: set[str] = set()
    has_stamps = False
    for record in _read_undamaged(part):
        found = _STAMP.match(record.get(_TIME))
        if not found:
            continue
        has_stamps = True
        first, second = found[1], found[2]
        if len(first) == 4:
            return "year first"
        proven |= {"day first"} if int(first) > 12 else set()
        proven |= {"month first"} if int(second) > 12 else set()
        if len(proven) > 1:
            raise FileError(RowError(_CONTRADICTORY.format(name=part.name), record.line, "start", found[0]))
    if has_stamps and not proven:
        raise FileError(RowError(_UNPROVEN.format(name=part.name)))
    return next(iter(proven), "year first")


def _read_undamaged(part: Part) -> Iterator[Record]:
    with suppress(DamageError):
        yield from read_records(part)


def _to_iso(text: str, order: str) -> str:
    """Return a local time in ISO 8601; text that is none as it is."""
    found = _STAMP.fullmatch(text)
    if not found:
        return text
    first, second, third, hour, minute, seconds, half = found.groups()
    year, month, day = {
        "year first": (first, second, third),
        "day first": (third, second, first),
        "month first": (third, first, second),
    }[order]
    if half:
        if not 1 <= int(hour) <= 12:
            return text
        hour = str(int(hour) % 12 + (12 if half.lower() == "p" else 0))
    return f"{year:0>4}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}:{seconds or '00'}"


class _Reader:
    """Reads the rows of a part, after the order of its dates is known."""

    def __init__(self, order: str) -> None:
        self.order = order
        self.units: dict[int, str | None] = {}

    def read(self, records: Sequence[Record]) -> Batch:
        rows: list[tuple[object, ...]] = []
        left_out: Counter[str] = Counter()
        errors: list[RowError] = []
        for record in records:
            kind = record.get(_KIND)
            if kind in _VALUES and record.get(_TIME):
                rows.append(self._read_value(record, *_VALUES[kind]))
            elif kind in _LEFT_OUT:
                left_out[_LEFT_OUT[kind]] += 1
            elif _is_header(record):
                self.units = {place: find_unit(record.get(place)) for _, place in _VALUES.values()}
            elif self.units:  # the lines before the header name people and days
                errors.append(RowError("There is no such kind of record.", record.line, "", kind or record.get(_TIME)))
        size = sum(sum(map(len, record.cells)) + len(record.cells) for record in records)
        return Batch(_make_rows(rows), errors, left_out, size=size)

    def _read_value(self, record: Record, metric: str, place: int) -> tuple[object, ...]:
        unit = self.units.get(place)
        value = read_glucose(record.get(place), _LIMITS[unit]) if unit else record.get(place)
        serial = record.get(_SERIAL)
        return record.line, metric, _to_iso(record.get(_TIME), self.order), value, unit, record.get(_DEVICE), serial


def _make_rows(rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    names = ("metric", "start", "value", "unit", "device", "serial_number")
    schema = {LINE: pl.Int64, **dict.fromkeys(names, pl.String)}
    table = pl.DataFrame(rows, schema=schema, orient="row").with_columns(model=pl.col("device"))
    # Ascending rows tell local times apart that occur twice; some accounts export the newest row first.
    is_newest_first = table.select((pl.col("start") < pl.col("start").shift(1)).mean() > 0.5).item()
    return complete(table.reverse() if is_newest_first else table)
