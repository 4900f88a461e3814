"""The clock of a FIT file: seconds since the end of 1989, in full or only the last 16 bits of them."""

from datetime import UTC, datetime

from readings.formats.garmin_fit.messages import Message

# As seconds since 1970.
EPOCH = int(datetime(1989, 12, 31, tzinfo=UTC).timestamp())
# Smaller numbers count seconds since the device was switched on.
FIRST_TIMESTAMP, LAST_TIMESTAMP = 0x10000000, 0xFFFFFFFF
DAY = 86_400
_BITS = 0xFFFF
# A shorter step forward over more than this could as well be a small step back.
_MAX_STEP = _BITS - 3600
_QUARTER, _MAX_OFFSET = 900, 14 * 3600

NO_EPOCH = (
    "The clock of the device was not set: it counts seconds since the device was switched on."
    " Correct the clock, or remove the file."
)
NO_BASE = "The record has a time of 16 bits, and no full time before it."
NO_STEP = "The time of 16 bits is before the last full time, or more than 17 hours after it."
TOO_LATE = "There is no such time: it has more than 32 bits."
NO_TIME = "The record has no time."


class ClockError(Exception):
    """A message has no time that can be trusted; `value` is what it has instead."""

    def __init__(self, reason: str, value: int | None = None) -> None:
        super().__init__(reason)
        self.value = "" if value is None else str(value)


class Clock:
    """Follows the times of the messages of a file, in their order."""

    def __init__(self) -> None:
        self.last: int | None = None

    def read(self, message: Message) -> int:
        """Return the time of a message, in seconds since the epoch. Raise ClockError if it has none."""
        values = message.values
        if "timestamp" in values:
            timestamp = check_timestamp(values["timestamp"])
        elif "timestamp_16" in values:
            timestamp = self._complete(values["timestamp_16"])
        else:
            raise ClockError(NO_TIME)
        self.last = timestamp
        return timestamp

    def _complete(self, bits: int) -> int:
        if self.last is None:
            raise ClockError(NO_BASE, bits)
        step = (bits - self.last) & _BITS
        if step > _MAX_STEP:
            raise ClockError(NO_STEP, bits)
        return self.last + step


def check_timestamp(timestamp: int) -> int:
    """Return a full time. Raise ClockError if it is none."""
    if timestamp < FIRST_TIMESTAMP:
        raise ClockError(NO_EPOCH, timestamp)
    if timestamp > LAST_TIMESTAMP:
        raise ClockError(TOO_LATE, timestamp)
    return timestamp


def find_offset(message: Message, *, may_be_zero: bool) -> int | None:
    """Return the UTC offset in seconds that a message states, by its two times; None if it states none.

    Some makers write the same time twice for lack of an offset, so that 0 is none, or any number at all.
    """
    utc, local = message.values.get("timestamp", 0), message.values.get("local_timestamp", 0)
    if min(utc, local) < FIRST_TIMESTAMP:
        return None
    offset = local - utc
    is_possible = abs(offset) <= _MAX_OFFSET and offset % _QUARTER == 0
    return offset if is_possible and (offset or may_be_zero) else None
