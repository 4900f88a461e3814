"""The contents of one FIT file: its readings, episodes, errors, and what is not imported."""

from collections import Counter
from collections.abc import Iterator, Sequence

import polars as pl

from healthtrack.imports.row_errors import RowError
from readings.formats.batch import COLUMNS, EPISODE_COLUMNS, LINE, Batch, complete
from readings.formats.garmin_fit.clock import Clock, ClockError, check_timestamp, find_offset, format_time
from readings.formats.garmin_fit.device import find_device
from readings.formats.garmin_fit.measurements import (
    MEASUREMENTS,
    NOT_IMPORTED,
    STRUCTURE,
    find_values,
)
from readings.formats.garmin_fit.messages import Message
from readings.formats.garmin_fit.monitoring import Monitoring
from readings.formats.garmin_fit.sleep import Sleep

_GARMIN = "garmin"
_OTHER = "other records"
_SEVERAL_PEOPLE = (
    "The file has readings of several people, of which this is user profile {}. Export those of one person."
)
# Only these say whose they are, on scales and blood pressure monitors that a family shares.
_SHARED = ("weight_scale", "blood_pressure")
_PERSON_BITS = 0x0FFF


class FileContents:
    """Collects what the messages of a FIT file say."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.device = find_device(messages)
        self.clock = Clock()
        self.monitoring = Monitoring()
        self.sleep = Sleep()
        self.is_garmin = any(message.texts.get("manufacturer") == _GARMIN for message in messages)
        self.offset = self._find_offset_of_activity()
        self.rows: list[tuple[int, str, str, str | None, str, str]] = []
        self.episodes: list[tuple[int, str, str, str, str]] = []
        self.errors: list[RowError] = []
        self.left_out: Counter[str] = Counter()
        self.people = {
            message.values["user_profile_index"] & _PERSON_BITS
            for message in messages
            if message.name in _SHARED and "user_profile_index" in message.values
        }

    def _find_offset(self, message: Message) -> int | None:
        return find_offset(message, may_be_zero=self.is_garmin)

    def _find_offset_of_activity(self) -> int | None:
        """Return the UTC offset of a workout, which its last record states; None if there is none."""
        offsets = {self._find_offset(message) for message in self.messages if message.name == "activity"}
        return offsets.pop() if len(offsets) == 1 else None

    def make_batch(self, size: int) -> Batch:
        """Return everything as one batch; `size` is the number of bytes that were read for it."""
        for message in self.messages:
            try:
                self._add(message)
            except ClockError as error:
                self.errors.append(RowError(str(error), message.record, "timestamp", error.value))
        self._finish()
        schema = {LINE: pl.Int64, **dict.fromkeys(("metric", "start", "end", "value", "unit"), pl.String)}
        device = [pl.lit(text, pl.String).alias(name) for name, text in self.device.items()]
        rows = pl.DataFrame(self.rows, schema=schema, orient="row").with_columns(device)
        schema = {LINE: pl.Int64, **dict.fromkeys(("kind", "start", "end", "stage"), pl.String)}
        episodes = pl.DataFrame(self.episodes, schema=schema, orient="row").with_columns(device)
        return Batch(
            complete(rows, COLUMNS),
            self.errors,
            dict(self.left_out),
            complete(episodes, EPISODE_COLUMNS) if len(episodes) else None,
            size,
        )

    def _add(self, message: Message) -> None:
        if message.name in MEASUREMENTS:
            self._add_measurements(message)
        elif message.name == "monitoring_info":
            self.offset = self._find_offset(message)
            self.monitoring.begin(self.clock.read(message), self.offset)
        elif message.name == "monitoring":
            self._add_monitoring(message)
        elif message.name == "session":
            self._add_workout(message)
        elif message.name in Sleep.MESSAGES:
            self.sleep.add(message, self.clock.read(message))
        elif message.name in NOT_IMPORTED:
            self.left_out[NOT_IMPORTED[message.name]] += 1
        elif message.name not in STRUCTURE:
            self.left_out[_OTHER] += 1

    def _add_measurements(self, message: Message) -> None:
        values, left_out = find_values(message)
        self.left_out.update(left_out)
        if not values:
            return
        person = message.values.get("user_profile_index")
        if person is not None and len(self.people) > 1:
            person &= _PERSON_BITS
            reason = _SEVERAL_PEOPLE.format(person)
            self.errors.append(RowError(reason, message.record, "user_profile_index", str(person), "several people"))
            return
        start = self._format(self.clock.read(message))
        self.rows += [(message.record, metric, start, None, value, unit) for metric, value, unit in values]

    def _add_monitoring(self, message: Message) -> None:
        timestamp = self.clock.read(message)
        offset = self._find_offset(message)
        self.offset = self.offset if offset is None else offset
        values, left_out = find_values(message)
        self.left_out.update(left_out)
        start = self._format(timestamp)
        self.rows += [(message.record, metric, start, None, value, unit) for metric, value, unit in values]
        self._add_amounts(self.monitoring.add(message, timestamp, self.offset))

    def _add_amounts(self, amounts: Iterator[tuple[int, str, int, int, str, str]]) -> None:
        for record, metric, start, end, value, unit in amounts:
            self.rows.append((record, metric, self._format(start), self._format(end), value, unit))

    def _add_workout(self, message: Message) -> None:
        if not {"start_time", "total_elapsed_time"}.issubset(message.values):
            self.left_out["workouts without start or length"] += 1
            return
        start = check_timestamp(message.values["start_time"])
        end = start + max(1, round(message.values["total_elapsed_time"] / 1000))
        sport = message.texts.get("sport", "").replace("_", " ")
        self.episodes.append((message.record, "workout", self._format(start), self._format(end), sport))

    def _finish(self) -> None:
        self._add_amounts(self.monitoring.finish())
        for record, start, end, stage in self.sleep.list_stages():
            self.episodes.append((record, "sleep", self._format(start), self._format(end), stage))
        self.left_out.update(self.monitoring.left_out | self.sleep.left_out)

    def _format(self, timestamp: int) -> str:
        return format_time(timestamp, self.offset)
