"""The time in which a data point is valid."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from readings.formats.numbers import to_text

_SECONDS = {"ms": 0.001, "sec": 1, "min": 60, "h": 3600, "d": 86_400, "wk": 604_800}


class Frame(NamedTuple):
    """A time, or an interval if there is an end, in ISO 8601; what is not a time is left as the file has it."""

    start: str | None = None
    end: str | None = None


def read_frame(body: Mapping[str, Any], name: str = "effective_time_frame") -> Frame:
    """Return the time frame of a body; without a start if it states none, or only a part of a day.

    An interval of no length is an instant.
    """
    frame = body.get(name)
    if not isinstance(frame, dict):
        return Frame()
    if "date_time" in frame:
        return Frame(to_text(frame["date_time"]))
    interval = frame.get("time_interval")
    if not isinstance(interval, dict):
        return Frame()
    start, end = to_text(interval.get("start_date_time")), to_text(interval.get("end_date_time"))
    length = _read_duration(interval.get("duration"))
    if length is not None and end is None:
        end = _move(start, length)
    elif length is not None and start is None:
        start = _move(end, -length)
    if start is None:
        return Frame(" ".join(filter(None, map(to_text, interval.values()))) or None)
    return Frame(start, None if end == start else end)


def is_within(frame: Frame, length: timedelta) -> bool:
    """Return whether the frame is an interval of at most this length."""
    start, end = _parse(frame.start), _parse(frame.end)
    return start is not None and end is not None and timedelta(0) < end - start <= length


def _read_duration(value: Any) -> timedelta | None:
    if not isinstance(value, dict):
        return None
    seconds = _SECONDS.get(to_text(value.get("unit")) or "")
    number = value.get("value")
    if seconds is None or not isinstance(number, int | float):
        return None
    try:
        return timedelta(seconds=number * seconds)
    except OverflowError:
        return None


def _move(text: str | None, length: timedelta) -> str | None:
    moment = _parse(text)
    try:
        return None if moment is None else (moment + length).isoformat()
    except OverflowError:
        return None


def _parse(text: str | None) -> datetime | None:
    """Return a time with an offset."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None
