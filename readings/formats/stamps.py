"""Local times as people write them: with the day, the month or the year first, and clocks of 12 or 24 hours."""

import re
from collections.abc import Iterator
from contextlib import suppress

from healthtrack.imports.opening import Part
from healthtrack.imports.row_errors import DamageError, FileError, RowError
from readings.formats.tables import Record, read_records

STAMP = re.compile(
    r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})[ T]+(\d{1,2})[:.](\d\d)(?:[:.](\d\d))?\s*([AaPp])?\.?\s*(?:[Mm]\.?)?"
)
_UNPROVEN = (
    "No date in the file {name} shows whether the day or the month comes first. Export a longer period, which includes"
    " days after the 12th."
)
_CONTRADICTORY = "The dates of the file {name} have the day first in some rows, and the month first in others."


def find_order(part: Part, column: int) -> str:
    """Return the order that a row of the table proves, of whose columns one has times.

    Raise FileError if none does, or if rows contradict each other. If the part is damaged, reading it reports that.
    """
    proven: set[str] = set()
    has_stamps = False
    for record in _read_undamaged(part):
        found = STAMP.match(record.get(column))
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


def write_iso(text: str, order: str) -> str:
    """Return a local time in ISO 8601; text that is none as it is."""
    found = STAMP.fullmatch(text)
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
