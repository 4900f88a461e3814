"""The contents of one FIT file: its readings, episodes, errors, and what is not imported."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import polars as pl

from healthtrack.imports.row_errors import RowError
from readings.formats.batch import COLUMNS, EPISODE_COLUMNS, LINE, Batch, complete
from readings.formats.garmin_fit.clock import EPOCH, Clock, ClockError, check_timestamp, find_offset
from readings.formats.garmin_fit.device import OwnDevice
from readings.formats.garmin_fit.measurements import MEASUREMENTS, NOT_IMPORTED, STRUCTURE, find_values
from readings.formats.garmin_fit.messages import Message
from readings.formats.garmin_fit.monitoring import Monitoring
from readings.formats.garmin_fit.sleep import Sleep
from readings.formats.instants import write_instants

_FRAME_ROWS = 50_000
_GARMIN = "garmin"
_OTHER = "other records"
_SEVERAL_PEOPLE = "The file has readings of several people; this is user profile {}. Export those of one person."
# Messages of scales and blood pressure monitors, which a family may share, say whose they are.
_PERSON, _PERSON_BITS = "user_profile_index", 0x0FFF


class Row(NamedTuple):
    """A reading or an episode: `name` is its metric or kind. Times are seconds of the clock, null without an end."""

    line: int
    name: str
    start: int
    end: int | None
    value: str = ""
    unit: str = ""
    stage: str = ""
    offset: int | None = None
    person: int | None = None


class FileContents:
    """Collects what the messages of a FIT file say."""

    def __init__(self) -> None:
        self.device = OwnDevice()
        self.clock = Clock()
        self.monitoring = Monitoring()
        self.sleep = Sleep()
        self.is_garmin = False
        self.offset: int | None = None
        self.offsets_of_activities: set[int | None] = set()
        self.rows: list[Row] = []
        self.frames: list[pl.DataFrame] = []  # more rows, in less memory
        self.episodes: list[Row] = []
        self.errors: list[RowError] = []
        self.left_out: Counter[str] = Counter()

    def add(self, message: Message) -> None:
        """Add the next message. A message whose time cannot be trusted becomes an error."""
        try:
            self._add(message)
        except ClockError as error:
            self.errors.append(RowError(str(error), message.record, "timestamp", error.value))
        if len(self.rows) >= _FRAME_ROWS:
            self._begin_frame()

    def _begin_frame(self) -> None:
        self.frames.append(_to_frame(self.rows))
        self.rows = []

    def _add(self, message: Message) -> None:
        if message.name in MEASUREMENTS:
            self._add_measurements(message)
        elif message.name in {"file_id", "device_info"}:
            self.device.add(message)
            self.is_garmin |= message.texts.get("manufacturer") == _GARMIN
        elif message.name == "monitoring_info":
            self.offset = self._find_offset(message)
            self.monitoring.begin(self.clock.read(message), self.offset)
        elif message.name == "monitoring":
            self._add_monitoring(message)
        elif message.name == "session":
            self._add_workout(message)
        elif message.name == "activity":
            self.offsets_of_activities.add(self._find_offset(message))
        elif message.name in Sleep.MESSAGES:
            self.sleep.add(message, self.clock.read(message))
        elif message.name in NOT_IMPORTED:
            self.left_out[NOT_IMPORTED[message.name]] += 1
        elif message.name not in STRUCTURE:
            self.left_out[_OTHER] += 1

    def _find_offset(self, message: Message) -> int | None:
        return find_offset(message, may_be_zero=self.is_garmin)

    def _add_measurements(self, message: Message) -> None:
        values, left_out = find_values(message)
        self.left_out.update(left_out)
        if not values:
            return
        timestamp = self.clock.read(message)
        person = message.values.get(_PERSON)
        whose = None if person is None else person & _PERSON_BITS
        self.rows += [
            Row(message.record, metric, timestamp, None, value, unit, offset=self.offset, person=whose)
            for metric, value, unit in values
        ]

    def _add_monitoring(self, message: Message) -> None:
        timestamp = self.clock.read(message)
        offset = self._find_offset(message)
        self.offset = self.offset if offset is None else offset
        values, left_out = find_values(message)
        self.left_out.update(left_out)
        self.rows += [
            Row(message.record, metric, timestamp, None, value, unit, offset=self.offset)
            for metric, value, unit in values
        ]
        self._add_amounts(self.monitoring.add(message, timestamp, self.offset))

    def _add_amounts(self, amounts: Iterable[tuple[int, str, int, int, str, str]]) -> None:
        self.rows += [Row(*amount, offset=self.offset) for amount in amounts]

    def _add_workout(self, message: Message) -> None:
        if not {"start_time", "total_elapsed_time"}.issubset(message.values):
            self.left_out["workouts without start or length"] += 1
            return
        start = check_timestamp(message.values["start_time"])
        end = check_timestamp(start + max(1, round(message.values["total_elapsed_time"] / 1000)))
        sport = message.texts.get("sport", "").replace("_", " ")
        self.episodes.append(Row(message.record, "workout", start, end, stage=sport, offset=self.offset))

    def make_batches(self, size: int) -> Iterator[Batch]:
        """Yield everything, in batches of bounded size; `size` is the number of bytes that were read for it."""
        self._add_amounts(self.monitoring.finish())
        for record, start, end, stage in self.sleep.list_stages():
            self.episodes.append(Row(record, "sleep", start, end, stage=stage, offset=self.offset))
        self.left_out.update(self.monitoring.left_out | self.sleep.left_out)
        self._begin_frame()
        self._separate_people()
        episodes = self._describe(_to_frame(self.episodes)).rename({"name": "kind"})
        found = complete(episodes, EPISODE_COLUMNS) if self.episodes else None
        yield Batch(errors=self.errors, left_out=dict(self.left_out), episodes=found, size=size)
        for frame in self.frames:
            yield Batch(complete(self._describe(frame).rename({"name": "metric"}), COLUMNS))

    def _separate_people(self) -> None:
        """Make errors of readings that say whose they are, if the file has those of several people."""
        people = {person for frame in self.frames for person in frame["person"].unique().drop_nulls()}
        if len(people) < 2:
            return
        for frame in self.frames:
            for line, person in frame.filter(pl.col("person").is_not_null()).select(LINE, "person").iter_rows():
                reason = _SEVERAL_PEOPLE.format(person)
                self.errors.append(RowError(reason, line, _PERSON, str(person), "several people"))
        self.frames = [frame.filter(pl.col("person").is_null()) for frame in self.frames]

    def _describe(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return rows with the device, and times as text. A workout has the offset that its last record states."""
        offsets = self.offsets_of_activities
        usual = next(iter(offsets)) if len(offsets) == 1 else None
        offset = pl.col("offset").fill_null(pl.lit(usual, pl.Int64))
        times = [write_instants((pl.col(name) + EPOCH) * 1000, offset).alias(name) for name in ("start", "end")]
        device = [pl.lit(text, pl.String).alias(name) for name, text in self.device.describe().items()]
        return frame.with_columns(*times, *device)


def _to_frame(rows: Sequence[Row]) -> pl.DataFrame:
    texts = dict.fromkeys(("name", "value", "unit", "stage"), pl.String)
    numbers = dict.fromkeys((LINE, "start", "end", "offset", "person"), pl.Int64)
    kinds: dict[str, type[pl.DataType]] = {**texts, **numbers}
    return pl.DataFrame(rows, schema={name: kinds[name] for name in Row._fields}, orient="row")
