"""Who used a device, and when, as DeviceUseStatement says it."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from patients.fhir.elements import Content, UnreadableError, get_object, parse_day
from readings.formats.fhir.codes import CODE, get_code

STATEMENT = "DeviceUseStatement"
_ENDED = {"completed", "stopped"}
_IMPORTED = {"active", *_ENDED}


class Period(NamedTuple):
    """The first day of a use, and the first day after it in ISO 8601; `may_share` is that of batches."""

    worn_from: str
    worn_until: str | None
    may_share: bool


def find_reason(content: Content) -> str:
    """Return why a statement is not imported; empty if it is."""
    status = get_code(content, "status")
    if status not in _IMPORTED:
        return f"uses of devices with the status {status if CODE.fullmatch(status) else 'unknown'}"
    return "" if "timingPeriod" in content else "uses of devices without a period"


def read_period(content: Content) -> Period:
    """Return when a device was used. Raise UnreadableError if the days are not stated, or do not exist."""
    period = get_object(content, "timingPeriod")
    start, end = get_code(period, "start"), get_code(period, "end")
    if not start:
        raise UnreadableError("timingPeriod.start", "", "Nothing says when the use began. Add the first day.")
    first = parse_day(start, "timingPeriod.start")
    if not end:
        if get_code(content, "status") in _ENDED:
            raise UnreadableError("timingPeriod.end", "", "The use has ended, but nothing says when. Add the last day.")
        return Period(first.isoformat(), None, may_share=False)
    last = parse_day(end, "timingPeriod.end")
    if last < first:
        raise UnreadableError("timingPeriod.end", end, "The use ends before it begins.")
    if _is_midnight(end) and last > first:
        return Period(first.isoformat(), last.isoformat(), may_share=False)
    return Period(first.isoformat(), _find_next(last, end).isoformat(), may_share="T" in end)


def _is_midnight(text: str) -> bool:
    try:
        return "T" in text and datetime.fromisoformat(text).time() == datetime.min.time()
    except ValueError as error:
        raise UnreadableError("timingPeriod.end", text, "There is no such time. Correct it at the source.") from error


def _find_next(day: date, text: str) -> date:
    try:
        return day + timedelta(days=1)
    except OverflowError as error:
        raise UnreadableError("timingPeriod.end", text, "The day is beyond the calendar. Leave it out.") from error
