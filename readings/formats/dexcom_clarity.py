"""Dexcom Clarity: a table of events. Those of kind EGV are glucose; its first rows have names and alerts."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import polars as pl

from healthtrack.imports.opening import Container, Part
from healthtrack.imports.row_errors import FileError, RowError
from readings.formats.base import Format
from readings.formats.batch import LINE, Batch, complete
from readings.formats.chunks import read_chunks
from readings.formats.glucose import find_unit, read_glucose
from readings.formats.stamps import STAMP, find_order, write_iso
from readings.formats.tables import Record, read_records, split_beginning

# Columns by their place, because their names are in the language of the account.
_TIME, _KIND, _PERSON, _DEVICE_INFO, _SOURCE, _GLUCOSE, _CLOCK, _TRANSMITTER = 1, 2, 4, 5, 6, 7, 12, 13
_MIN_COLUMNS = 12
_LIMITS = {"mg/dL": ("39", "401"), "mmol/L": ("2.1", "22.3")}
_TIME_FORM = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d{1,2}):(\d\d(?::\d\d(?:\.\d+)?)?)")
# In the order of rows, the transmitter's clock went back by more than this: another transmitter.
_CLOCK_RESET = 86_400
_BATCH = 200_000
_EGV = "EGV"
_LEFT_OUT = {
    "Calibration": "calibrations",
    "Insulin": "insulin",
    "Carbs": "meals",
    "Exercise": "exercise",
    "Health": "health notes",
    "Notes": "notes",
    "Note": "notes",
    "Alert": "settings of alerts",
}


class DexcomClarity(Format):
    name = "dexcom_clarity"
    label = "Dexcom Clarity"

    def recognize(self, part: Part) -> bool:
        return any(map(_is_header, split_beginning(part)[:3]))

    def read(self, part: Part | Container) -> Iterator[Batch]:
        """Yield the glucose values. The rows of a transmitter are in the order of its clock."""
        assert isinstance(part, Part)  # noqa: S101 (the format has no containers)
        reader = _Reader(part, _find_date_order(part))
        for chunk in read_chunks(read_records(part), _BATCH):
            yield reader.read(chunk)


def _is_header(record: Record) -> bool:
    return (
        len(record.cells) >= _MIN_COLUMNS
        and "hh:mm:ss" in record.get(_TIME).lower()
        and find_unit(record.get(_GLUCOSE)) is not None
    )


def _find_date_order(part: Part) -> str:
    """Return the order of dates that do not begin with the year, as the header or a row proves it; else nothing."""
    records = split_beginning(part)
    times = [record.get(_TIME) for record in records]
    if not any(STAMP.fullmatch(time) and not _TIME_FORM.fullmatch(time) for time in times):
        return ""
    form = next((record.get(_TIME).upper() for record in records if _is_header(record)), "")
    stated = [order for letters, order in (("MM/DD/", "month first"), ("DD/MM/", "day first")) if letters in form]
    return stated[0] if stated else find_order(part, _TIME)


class _Reader:
    """Reads the rows of a part. Names are only compared, to find out whether it holds several people."""

    def __init__(self, part: Part, order: str) -> None:
        self.part, self.order = part, order
        self.unit: str | None = None
        self.person: dict[str, str] = {}
        self.models: set[str] = set()

    def read(self, records: Sequence[Record]) -> Batch:
        rows: list[tuple[object, ...]] = []
        left_out: Counter[str] = Counter()
        errors: list[RowError] = []
        for record in records:
            if _is_header(record):
                self._begin(record)
            elif not record.get(_TIME):
                self._read_setting(record, left_out)
            elif record.get(_KIND).upper() == _EGV:
                rows.append(self._read_value(record))
            elif len(record.cells) < _GLUCOSE:
                errors.append(RowError("The row ends before the glucose value.", record.line, "", record.get(_TIME)))
            else:
                left_out[_LEFT_OUT.get(record.get(_KIND), "other events")] += 1
        return Batch(
            self._make_rows(rows),
            errors,
            left_out,
            size=sum(sum(map(len, record.cells)) + len(record.cells) for record in records),
            person="|".join(value for _, value in sorted(self.person.items())),
        )

    def _begin(self, record: Record) -> None:
        unit = find_unit(record.get(_GLUCOSE))
        if self.unit not in {None, unit}:
            raise FileError(RowError(f"The file {self.part.name} has glucose in two units.", record.line))
        self.unit = unit

    def _read_setting(self, record: Record, left_out: Counter[str]) -> None:
        kind, person = record.get(_KIND), record.get(_PERSON)
        if person:
            if self.person.setdefault(kind, person) != person:
                reason = f"The file {self.part.name} has several people. Export each of them to a file of their own."
                raise FileError(RowError(reason, record.line))
        elif kind == "Alert":
            left_out["settings of alerts"] += 1
        elif model := record.get(_DEVICE_INFO):
            self.models.add(model)

    def _read_value(self, record: Record) -> tuple[object, ...]:
        value = read_glucose(record.get(_GLUCOSE), _LIMITS[self.unit or "mg/dL"])
        clock = record.get(_CLOCK)
        return (
            record.line,
            _to_iso(record.get(_TIME), self.order),
            value,
            record.get(_SOURCE),
            record.get(_TRANSMITTER),
            int(clock) if clock.isascii() and clock.isdigit() and len(clock) < 16 else None,
        )

    def _make_rows(self, rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
        schema = {
            LINE: pl.Int64,
            "start": pl.String,
            "value": pl.String,
            "device": pl.String,
            "transmitter": pl.String,
            "clock": pl.Int64,
        }
        table = pl.DataFrame(rows, schema=schema, orient="row")
        model = next(iter(self.models)) if len(self.models) == 1 else None
        return complete(
            _order_by_clock(table).with_columns(
                metric=pl.lit("glucose"), unit=pl.lit(self.unit), model=pl.lit(model, pl.String)
            )
        )


def _order_by_clock(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of each transmitter in the order of its clock.

    So where the displayed time was set back by an hour, the rows show it: they ascend, go back once, and ascend again.
    """
    if rows["clock"].null_count() == len(rows):
        return rows
    reset = (pl.col("clock") < pl.col("clock").shift(1) - _CLOCK_RESET).fill_null(value=False)
    return (
        rows.with_columns(place=pl.int_range(pl.len()), wearing=reset.cum_sum())
        .with_columns(first=pl.col("place").min().over("wearing", "transmitter"))
        .sort("first", "clock", "place", nulls_last=True)
    )


def _to_iso(text: str, order: str) -> str:
    """Return a time with a T and an hour of two digits; other text as it is."""
    found = _TIME_FORM.fullmatch(text)
    if not found:
        return write_iso(text, order) if order else text
    day, hour, rest = found.groups()
    return f"{day}T{hour:0>2}:{rest if ':' in rest else f'{rest}:00'}"
