"""Read the tables of a database of Health Connect."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import polars as pl

from healthtrack.imports.opening import Part
from healthtrack.imports.row_errors import DamageError, FileError, RowError
from readings.formats.batch import EPISODE_COLUMNS, LINE, Batch, complete
from readings.formats.health_connect import tables
from readings.formats.health_connect.database import Database, quote
from readings.formats.health_connect.times import format_times

_BATCH_ROWS = 100_000
_OWN = ("row_id", "device_info_id", "app_info_id")
_INSTANT, _START, _END = ("time", "zone_offset"), ("start_time", "start_zone_offset"), ("end_time", "end_zone_offset")
_STAGE = ("stage_start_time", "stage_end_time", "stage_type")
# Names of tables: anything else could be about a person.
_NAME = re.compile(r"[a-z][a-z0-9 ]{1,60}")
_NO_EXPORT = "The file {} is a database, but none of Health Connect: it has none of its tables."
_NO_COLUMN = "The table {} of {} has no column {}. Tell support which version of Android made the file."


@dataclass(frozen=True)
class Source:
    """A table of the database, with the device and the app of each of its rows."""

    database: Database
    part: Part
    origins: "Origins"
    table: str

    def select(self, cells: Mapping[str, str], joined: str = "") -> Iterator[pl.DataFrame]:
        """Yield the rows of the table, which is `own` in SQL, with `LINE`, `device`, `model` and the cells as text.

        `cells` has the expression for each name.
        """
        numbers = {LINE: "own.row_id", "device": "own.device_info_id", "app": "own.app_info_id"}
        selected = [
            *(f"CAST({expression} AS INTEGER)" for expression in numbers.values()),
            *(f"CAST({expression} AS TEXT)" for expression in cells.values()),
        ]
        sql = f"SELECT {', '.join(selected)} FROM {quote(self.table)} AS own {joined}"  # noqa: S608 (own names)
        schema = {**dict.fromkeys(numbers, pl.Int64), **dict.fromkeys(cells, pl.String)}
        for rows in self.database.select(sql, _BATCH_ROWS):
            yield self.origins.name(pl.DataFrame(rows, schema=schema, orient="row"))

    def check_columns(self, columns: Sequence[str], table: str = "") -> None:
        """Raise FileError if the table, or another one of the database, lacks one of these columns."""
        known = self.database.get_columns(table or self.table)
        for column in columns if table else (*_OWN, *columns):
            if column not in known:
                raise FileError(RowError(_NO_COLUMN.format(table or self.table, self.database.name, column)))


class Origins:
    """The devices and apps that rows refer to by number."""

    def __init__(self, database: Database, found: Sequence[str]) -> None:
        self.models: dict[int, str] = {}
        self.apps: dict[int, str] = {}
        if "device_info_table" in found:
            sql = "SELECT row_id, manufacturer, model FROM device_info_table"
            for key, maker, model in database.select_all(sql):
                self.models[_to_key(key)] = join_names(str(maker or ""), str(model or ""))
        if "application_info_table" in found:
            sql = "SELECT row_id, package_name FROM application_info_table"
            self.apps = {_to_key(key): str(name or "") for key, name in database.select_all(sql)}

    def name(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with `device` and `model`. Several apps may write readings of one device."""
        model, app = _look_up("device", self.models), _look_up("app", self.apps)
        return rows.with_columns(model=model, device=pl.concat_str(model, app, separator=", ", ignore_nulls=True))


def _look_up(column: str, names: Mapping[int, str]) -> pl.Expr:
    known = {key: name for key, name in names.items() if name}
    if not known:
        return pl.lit(None, pl.String)
    return pl.col(column).replace_strict(known, default=None, return_dtype=pl.String)


def _to_key(key: object) -> int:
    return key if isinstance(key, int) else -1


def join_names(maker: str, model: str) -> str:
    """Return the name of a model, which begins with the maker's name once."""
    return model if model.lower().startswith(maker.lower()) else f"{maker} {model}".strip()


def read_contents(database: Database, part: Part) -> Iterator[Batch]:
    """Yield the rows of all tables. Raise FileError if the database is of another kind."""
    found = [str(name) for (name,) in database.select_all("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if not tables.READ.intersection(found):
        raise FileError(RowError(_NO_EXPORT.format(part.name)))
    yield Batch(size=database.size, left_out=_count_others(database, found))
    origins = Origins(database, found)
    for number, table in enumerate(sorted(tables.READ.intersection(found)), start=1):
        section = part.make_section(number, table)
        yield from _read_up_to_damage(_read_table(Source(database, section, origins, table), found), section)


def _read_up_to_damage(batches: Iterator[Batch], part: Part) -> Iterator[Batch]:
    """Yield the batches of a table. A damaged place in it is an error with the last row before it."""
    last = 0
    try:
        for batch in batches:
            tables = [each for each in (batch.rows, batch.episodes) if each is not None]
            last = max(last, *(int(each.select(pl.col(LINE).max()).item() or 0) for each in tables))
            yield batch
    except DamageError:
        reason = "The table is damaged or was cut off after this row. Export the data from the phone again."
        yield Batch(errors=[RowError(reason, last or None)], part=part)


def _count_others(database: Database, found: Sequence[str]) -> Mapping[str, int]:
    """Return how many rows each table with other contents has, by the name of the contents.

    Those tables identify their rows by `uuid`. The rest are settings, logs, and values that belong to such rows.
    """
    counts = {}
    for table in found:
        if table not in tables.READ and (table in tables.ROUTES or "uuid" in database.get_columns(table)):
            with suppress(DamageError):  # then the tables that are read say where
                ((count,),) = database.select_all(f"SELECT count(*) FROM {quote(table)}")  # noqa: S608  (quoted)
                counts[_make_label(table)] = int(count or 0)
    return {label: count for label, count in counts.items() if count}


def _make_label(table: str) -> str:
    """Return what a table has: vo2_max_record_table has vo2 max, and SpeedRecordTable has speed."""
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in table).strip("_").split("_")
    label = " ".join(word for word in words if word not in {"record", "table"})
    return label if _NAME.fullmatch(label) else "other tables"


def _read_table(source: Source, found: Sequence[str]) -> Iterator[Batch]:
    if source.table in tables.INSTANTS:
        return _read_values(source, tables.INSTANTS[source.table], [_INSTANT])
    if source.table in tables.INTERVALS:
        return _read_values(source, tables.INTERVALS[source.table], [_START, _END])
    if source.table == tables.HEART_RATE:
        return _read_heart_rates(source, found)
    if source.table == tables.SLEEP:
        return _read_sleep(source, found)
    return _read_workouts(source)


def _read_values(source: Source, values: Sequence[tables.Value], times: Sequence[tuple[str, str]]) -> Iterator[Batch]:
    columns = [*(column for pair in times for column in pair), *(value.column for value in values)]
    if any(value.metric == "blood_glucose" for value in values):
        columns.append(tables.SPECIMEN)
    source.check_columns(columns)
    for rows in source.select({column: f"own.{column}" for column in columns}):
        for value in values:
            yield Batch(complete(_describe(format_times(rows, times), value)), part=source.part)


def _describe(rows: pl.DataFrame, value: tables.Value) -> pl.DataFrame:
    metric = pl.lit(value.metric)
    if tables.SPECIMEN in rows.columns:
        is_sensor = pl.col(tables.SPECIMEN) == tables.INTERSTITIAL_FLUID
        metric = pl.when(is_sensor).then(pl.lit(tables.SENSOR_GLUCOSE)).otherwise(metric)
    return rows.with_columns(metric=metric, value=_round(value.column), unit=pl.lit(value.unit))


def _round(column: str) -> pl.Expr:
    """Return numbers with at most six decimals: apps convert units, and store numbers of single precision."""
    rounded = pl.col(column).cast(pl.Float64, strict=False).round(6).cast(pl.String)
    return pl.when(pl.col(column).str.contains(r"\.\d{7,}$")).then(rounded).otherwise(column)


def _read_heart_rates(source: Source, found: Sequence[str]) -> Iterator[Batch]:
    """Yield the heart rates, each of which belongs to a row of the table of sessions."""
    if tables.HEART_RATES not in found:
        return
    source.check_columns(_START)
    source.check_columns(["parent_key", "epoch_millis", "beats_per_minute"], tables.HEART_RATES)
    joined = f"JOIN {tables.HEART_RATES} AS series ON series.parent_key = own.row_id"
    cells = {"time": "series.epoch_millis", "offset": "own.start_zone_offset"}
    cells["beats_per_minute"] = "series.beats_per_minute"
    value = tables.Value("beats_per_minute", "heart_rate", "/min")
    for rows in source.select(cells, joined):
        timed = format_times(rows, [("time", "offset")])
        yield Batch(complete(_describe(timed, value)), part=source.part)


def _read_sleep(source: Source, found: Sequence[str]) -> Iterator[Batch]:
    """Yield the stages of each night; a night without stages is one of sleep."""
    source.check_columns([*_START, *_END])
    cells = {column: f"own.{column}" for column in (*_START, *_END)}
    joined = ""
    if tables.SLEEP_STAGES in found:
        source.check_columns(["parent_key", *_STAGE], tables.SLEEP_STAGES)
        joined = f"LEFT JOIN {tables.SLEEP_STAGES} AS stage ON stage.parent_key = own.row_id"
    cells |= {column: f"stage.{column}" if joined else "NULL" for column in _STAGE}
    left_out = _count_notes(source)
    for rows in source.select(cells, joined):
        yield _make_night(source, rows, left_out)
        left_out = {}


def _make_night(source: Source, rows: pl.DataFrame, left_out: Mapping[str, int]) -> Batch:
    bounds = [pl.coalesce(f"stage_{own}", own).alias(own) for own in ("start_time", "end_time")]
    known = pl.col("stage_type").replace_strict(tables.STAGES, default=None, return_dtype=pl.String)
    named = rows.with_columns(
        *bounds,
        kind=pl.lit("sleep"),
        episode=pl.col(LINE).cast(pl.String),
        stage=pl.when(pl.col("stage_type").is_null()).then(pl.lit("asleep")).otherwise(known),
    )
    unknown = named["stage"].null_count()
    counts = {**left_out, "stages of sleep of unknown kind": unknown} if unknown else left_out
    episodes = format_times(named.filter(pl.col("stage").is_not_null()), [_START, _END])
    return Batch(episodes=complete(episodes, EPISODE_COLUMNS), left_out=counts, part=source.part)


def _read_workouts(source: Source) -> Iterator[Batch]:
    columns = [*_START, *_END, "exercise_type"]
    source.check_columns(columns)
    left_out = _count_notes(source)
    sports = {str(number): sport for number, sport in enumerate(tables.SPORTS)}
    for rows in source.select({column: f"own.{column}" for column in columns}):
        sport = pl.col("exercise_type").replace_strict(sports, default=None, return_dtype=pl.String)
        named = format_times(rows.with_columns(kind=pl.lit("workout"), stage=sport), [_START, _END])
        yield Batch(episodes=complete(named, EPISODE_COLUMNS), left_out=left_out, part=source.part)
        left_out = {}


def _count_notes(source: Source) -> Mapping[str, int]:
    """Return how many rows have a note of the person, which is not imported."""
    if "notes" not in source.database.get_columns(source.table):
        return {}
    sql = f"SELECT count(*) FROM {quote(source.table)} WHERE notes <> ''"  # noqa: S608  (quoted)
    ((count,),) = source.database.select_all(sql)
    return {"notes": int(count)} if count else {}
