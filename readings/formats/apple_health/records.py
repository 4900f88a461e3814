"""The records of an export as rows: metrics, units, sources, nights and workouts."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from readings.formats.apple_health.devices import ADDRESS, parse_device
from readings.formats.apple_health.elements import Attributes, Elements
from readings.formats.apple_health.lines import ATTRIBUTES
from readings.formats.batch import EPISODE_COLUMNS, LINE, PROVEN, Batch, complete

_QUANTITY, _CATEGORY = "HKQuantityTypeIdentifier", "HKCategoryTypeIdentifier"


class _Kind(NamedTuple):
    """A metric and the units that Apple writes for it, with their UCUM units."""

    metric: str
    units: Mapping[str, str]
    is_interval: bool = False


_RATE = {"count/min": "/min", "count/s": "/s"}
_PRESSURE = {"mmHg": "mm[Hg]", "kPa": "kPa"}
_KINDS = {
    "HeartRate": _Kind("heart_rate", _RATE),
    "RestingHeartRate": _Kind("resting_heart_rate", _RATE),
    "HeartRateVariabilitySDNN": _Kind("hrv_sdnn", {"ms": "ms", "s": "s"}),
    "RespiratoryRate": _Kind("respiratory_rate", _RATE),
    "StepCount": _Kind("steps", {"count": "{steps}"}, is_interval=True),
    "DistanceWalkingRunning": _Kind(
        "distance", {"m": "m", "km": "km", "mi": "[mi_i]", "ft": "[ft_i]"}, is_interval=True
    ),
    "ActiveEnergyBurned": _Kind(
        "active_energy", {"kcal": "kcal", "Cal": "kcal", "kJ": "kJ", "cal": "cal", "J": "J"}, is_interval=True
    ),
    # The percent of Apple are fractions: 0.97 % is 97 %.
    "OxygenSaturation": _Kind("oxygen_saturation", {"%": "1"}),
    "BloodGlucose": _Kind("blood_glucose", {"mg/dL": "mg/dL", "mmol/L": "mmol/L"}),
    "BloodPressureSystolic": _Kind("systolic_pressure", _PRESSURE),
    "BloodPressureDiastolic": _Kind("diastolic_pressure", _PRESSURE),
    "BodyTemperature": _Kind("body_temperature", {"degC": "Cel", "degF": "[degF]", "K": "K"}),
    "BodyMass": _Kind("weight", {"kg": "kg", "g": "g", "lb": "[lb_av]", "st": "[stone_av]"}),
    "Height": _Kind("height", {"cm": "cm", "m": "m", "mm": "mm", "in": "[in_i]", "ft": "[ft_i]"}),
    "BodyMassIndex": _Kind("body_mass_index", {"count": "kg/m2", "kg/m²": "kg/m2"}),
}
_SLEEP = f"{_CATEGORY}SleepAnalysis"
_STAGES = {
    "InBed": "in_bed",
    "Asleep": "asleep",
    "AsleepUnspecified": "asleep",
    "AsleepCore": "light",
    "AsleepDeep": "deep",
    "AsleepREM": "rem",
    "Awake": "awake",
}
_STAGE_PREFIX, _WORKOUT_PREFIX = "HKCategoryValueSleepAnalysis", "HKWorkoutActivityType"
_WORKOUT_ATTRIBUTES = ("workoutActivityType", "sourceName", "device", "startDate", "endDate")
# Phones with a clock of 12 hours write times like this, in some versions of iOS.
_TWELVE_HOURS = re.compile(r"(\d{4}-\d\d-\d\d) (\d{1,2})(:\d\d:\d\d)\s?([AaPp])\.?\s?[Mm]\.? ?([+-]\d\d:?\d\d)")
_LENGTH = len("2024-03-05 08:00:00 +0100")
_HALF = r"[AaPp]\.?\s?[Mm]"
_TIME = r"^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) ?([+-]\d\d):?(\d\d)$"
_MOLES = r"^mmol<[\d.]+>/L$"
# Numbers with more decimals come from binary fractions; that many are exact to far more than anything measures.
_MAX_DECIMALS = 12
_STEP = Decimal(1).scaleb(-_MAX_DECIMALS)
_LONG = rf"\.\d{{{_MAX_DECIMALS + 1},}}|[eE]"
_TYPE = re.compile(
    r"HK(?:Quantity|Category|Data|Correlation|DocumentType)?(?:TypeIdentifier)?([A-Z]\w{0,60})", re.ASCII
)
_MAX_LABELS = 200
_METRICS = pl.DataFrame(
    [(f"{_QUANTITY}{name}", kind.metric, kind.is_interval) for name, kind in _KINDS.items()],
    schema={"type": pl.String, "metric": pl.String, "is_interval": pl.Boolean},
    orient="row",
)
_UNITS = pl.DataFrame(
    [(kind.metric, unit, code) for kind in _KINDS.values() for unit, code in kind.units.items()],
    schema={"metric": pl.String, "unit": pl.String, "code": pl.String},
    orient="row",
)


class Records:
    """Turns chunks of elements into batches."""

    def __init__(self) -> None:
        self.person = ""
        self.labels: set[str] = set()

    def read(self, elements: Elements) -> Batch:
        """Return the batch of a chunk."""
        self.person = self.person or elements.person
        parsed = _to_table(elements.records, elements.numbers, ATTRIBUTES)
        records = pl.concat([parsed, *elements.tables]).join(_METRICS, on="type", how="left")
        sleep = records.filter(pl.col("type") == _SLEEP)
        others = records.filter(pl.col("metric").is_null() & (pl.col("type").ne_missing(_SLEEP)))
        return Batch(
            complete(
                _find_units(_find_sources(_find_times(records.filter(pl.col("metric").is_not_null()), elements.zones)))
            ),
            elements.errors,
            elements.left_out + self._count(others["type"]),
            _make_episodes(sleep, elements),
            elements.size,
            person=self.person,
        )

    def _count(self, types: pl.Series) -> Counter[str]:
        """Return how many records have each type, with names for people."""
        counted: Counter[str] = Counter()
        for name, count in types.value_counts().iter_rows():
            found = _TYPE.fullmatch(name or "")
            label = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", found[1]).capitalize() if found else "other records"
            if label not in self.labels and len(self.labels) >= _MAX_LABELS:
                label = "other records"
            self.labels.add(label)
            counted[label] += count
        return counted


def _to_table(elements: Sequence[Attributes], numbers: Sequence[int], names: Sequence[str]) -> pl.DataFrame:
    """Return some attributes of elements as columns, with their number. Those with the same attributes go together."""
    alike: dict[tuple[str, ...], tuple[list[Attributes], list[int]]] = defaultdict(lambda: ([], []))
    for element, number in zip(elements, numbers, strict=True):
        group = alike[tuple(element[::2])]
        group[0].append(element)
        group[1].append(number)
    tables = []
    for keys, (group_elements, group_numbers) in alike.items():
        columns = list(zip(*group_elements, strict=True))
        found = {name: columns[2 * keys.index(name) + 1] if name in keys else None for name in names}
        table = pl.DataFrame(
            {name: pl.Series(values, dtype=pl.String) for name, values in found.items() if values is not None}
        )
        missing = [pl.lit(None, pl.String).alias(name) for name, values in found.items() if values is None]
        tables.append(table.with_columns(pl.Series(LINE, group_numbers, dtype=pl.Int64), *missing).select(LINE, *names))
    return pl.concat(tables) if tables else pl.DataFrame(schema={LINE: pl.Int64, **dict.fromkeys(names, pl.String)})


def _find_times(rows: pl.DataFrame, zones: Mapping[int, str]) -> pl.DataFrame:
    """Return the rows with `start` and `end` in ISO 8601; the end only of intervals.

    An interval that ends in the second in which it begins is one of a second: Apple cuts off the fractions.
    """
    rows = rows.with_columns(_write_24_hours(rows[column]) for column in ("startDate", "endDate"))
    iso = {
        name: pl.col(column).str.replace(_TIME, "${1}T${2}${3}:${4}")
        for name, column in (("start", "startDate"), ("end", "endDate"))
    }
    rows = rows.with_columns(**iso)
    rows = rows.with_columns(end=_lengthen(pl.col("start"), pl.col("end")))
    return _use_zones(rows.with_columns(end=pl.when("is_interval").then("end")), zones)


def _write_24_hours(times: pl.Series) -> pl.Series:
    """Return times of a clock of 24 hours; text that is no time as it is."""
    longer = times.filter(times.str.len_bytes() > _LENGTH)
    halves = longer.filter(longer.str.contains(_HALF)).unique()
    return times.replace({text: _TWELVE_HOURS.sub(_write_hour, text) for text in halves}) if len(halves) else times


def _write_hour(found: re.Match[str]) -> str:
    day, hour, rest, half, offset = found.groups()
    if not 1 <= int(hour) <= 12:
        return found[0]
    return f"{day} {int(hour) % 12 + (12 if half.lower() == 'p' else 0):02}{rest} {offset}"


def _lengthen(start: pl.Expr, end: pl.Expr) -> pl.Expr:
    later = end.str.slice(0, 19).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False) + pl.duration(seconds=1)
    moved = later.dt.strftime("%Y-%m-%dT%H:%M:%S") + end.str.slice(19)
    return pl.when(start == end).then(moved.fill_null(end)).otherwise(end)


def _use_zones(rows: pl.DataFrame, zones: Mapping[int, str]) -> pl.DataFrame:
    """Return the rows with `proven`. Those that state their time zone get its offset, not that of the export."""
    rows = rows.with_columns(pl.lit(value=False).alias(PROVEN))
    stated = rows.filter(pl.col(LINE).is_in(list(zones))) if zones else rows.clear()
    if stated.is_empty():
        return rows
    found = [
        (line, *(_move(time, zones[line]) for time in times))
        for line, *times in stated.select(LINE, "start", "end").rows()
    ]
    moved = pl.DataFrame(
        found, schema={LINE: pl.Int64, "own_start": pl.String, "own_end": pl.String}, orient="row"
    ).filter(pl.col("own_start").is_not_null())
    return (
        rows.join(moved, on=LINE, how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("own_start", "start").alias("start"),
            pl.coalesce("own_end", "end").alias("end"),
            pl.col("own_start").is_not_null().alias(PROVEN),
        )
        .drop("own_start", "own_end")
    )


def _move(time: str | None, zone: str) -> str | None:
    """Return a time with the offset of its zone; None if one of them is invalid."""
    try:
        return datetime.fromisoformat(time).astimezone(ZoneInfo(zone)).isoformat() if time else None
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        return None


def _find_sources(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with `device`, the name of the source and what its hardware is, and `model`."""
    described = pl.col("device").fill_null("").str.replace(ADDRESS, "")
    rows = rows.with_columns(described=described)
    texts = rows["described"].unique().to_list()
    schema = {"described": pl.String, "hardware": pl.String, "model": pl.String}
    devices = pl.DataFrame([(text, *parse_device(text)) for text in texts], schema=schema, orient="row")
    name = pl.col("sourceName").fill_null("")
    hardware = pl.col("hardware")
    is_named = (hardware == "") | name.str.contains(hardware, literal=True)
    rows = rows.join(devices, on="described", how="left", maintain_order="left")
    return rows.with_columns(device=pl.when(is_named).then(name).otherwise(pl.format("{} ({})", name, hardware)))


def _find_units(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with UCUM units, and the values without the digits that binary fractions bring."""
    unit = pl.col("unit").str.replace(_MOLES, "mmol/L")
    rows = rows.with_columns(unit=unit).join(_UNITS, on=["metric", "unit"], how="left", maintain_order="left")
    is_long = pl.col("value").str.contains(_LONG).fill_null(value=False)
    if rows.select(is_long.any()).item():
        shorter = pl.col("value").map_elements(_shorten, return_dtype=pl.String)
        rows = rows.with_columns(value=pl.when(is_long).then(shorter).otherwise("value"))
    return rows.with_columns(unit=pl.coalesce("code", "unit"))


def _shorten(value: str) -> str:
    try:
        return f"{Decimal(value).quantize(_STEP).normalize():f}" if len(value) < 40 else value
    except InvalidOperation:
        return value


def _make_episodes(sleep: pl.DataFrame, elements: Elements) -> pl.DataFrame:
    stage = pl.col("value").str.strip_prefix(_STAGE_PREFIX)
    nights = sleep.with_columns(
        kind=pl.lit("sleep"), stage=stage.replace_strict(_STAGES, default=pl.col("value"), return_dtype=pl.String)
    )
    workouts = _to_table(elements.workouts, elements.workout_numbers, _WORKOUT_ATTRIBUTES)
    sport = pl.col("workoutActivityType").str.strip_prefix(_WORKOUT_PREFIX).str.replace_all(r"([a-z])([A-Z])", "$1 $2")
    workouts = workouts.with_columns(kind=pl.lit("workout"), stage=sport.str.to_lowercase())
    rows = pl.concat([nights, workouts], how="diagonal").with_columns(is_interval=pl.lit(value=True))
    return complete(_find_sources(_find_times(rows, elements.zones)), EPISODE_COLUMNS)
