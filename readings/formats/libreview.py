"""FreeStyle LibreView: a table of all records of an account, with headers in the account's language."""

from collections import Counter
from collections.abc import Iterator, Sequence

import polars as pl

from healthtrack.imports.opening import Container, Part
from healthtrack.imports.row_errors import RowError
from readings.formats.base import Format
from readings.formats.batch import LINE, Batch, complete
from readings.formats.chunks import read_chunks
from readings.formats.glucose import find_unit, read_glucose
from readings.formats.stamps import STAMP, find_order, write_iso
from readings.formats.tables import Record, read_records, split_beginning

_DEVICE, _SERIAL, _TIME, _KIND, _NOTES = 0, 1, 2, 3, 13
_MIN_COLUMNS = 15
# By the kind of a record: the metric and the column of its value.
_VALUES = {"0": ("glucose", 4), "1": ("glucose_scan", 5), "2": ("blood_glucose", 14)}
_LEFT_OUT = {"3": "ketones", "4": "insulin", "5": "meals", "6": "notes and events"}
_LIMITS = {"mg/dL": ("39", "501"), "mmol/L": ("2.1", "27.9")}
_BATCH = 200_000


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
        reader = _Reader(find_order(part, _TIME))
        for chunk in read_chunks(read_records(part), _BATCH):
            yield reader.read(chunk)


def _is_record(record: Record) -> bool:
    return (
        len(record.cells) >= _MIN_COLUMNS
        and bool(STAMP.fullmatch(record.get(_TIME)))
        and record.get(_KIND) in {*_VALUES, *_LEFT_OUT}
    )


def _is_header(record: Record) -> bool:
    """Return whether these are names of columns: as many as those of a record, and no time among them."""
    return len(record.cells) >= _MIN_COLUMNS and bool(record.get(_KIND)) and not record.get(_KIND).isdigit()


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
        return record.line, metric, write_iso(record.get(_TIME), self.order), value, unit, record.get(_DEVICE), serial


def _make_rows(rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    names = ("metric", "start", "value", "unit", "device", "serial_number")
    schema = {LINE: pl.Int64, **dict.fromkeys(names, pl.String)}
    table = pl.DataFrame(rows, schema=schema, orient="row").with_columns(model=pl.col("device"))
    # Ascending rows tell local times apart that occur twice; some accounts export the newest row first.
    is_newest_first = table.select((pl.col("start") < pl.col("start").shift(1)).mean() > 0.5).item()
    return complete(table.reverse() if is_newest_first else table)
