"""Assignments of a device that overlap: a device never belongs to two patients at once."""

import datetime
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from django.db import connection

# What is stored after the import: the rows of the file, and the stored rows that none of them replaces.
_IN_FILE = """
    SELECT DISTINCT ON (own.line) own.line, own.worn_from, every.patient_id, lower(every.days), upper(every.days),
           every.line
      FROM (SELECT line, device, worn_from, daterange(worn_from, worn_until, '[)') AS days FROM rows) AS own
      JOIN (SELECT line, device, patient_id, daterange(worn_from, worn_until, '[)') AS days FROM rows
            UNION ALL
            SELECT NULL, stored.device_id, stored.patient_id, daterange(stored.worn_from, stored.worn_until, '[)')
              FROM device_assignments AS stored
             WHERE device_id IN (SELECT device FROM rows)
               AND NOT EXISTS (SELECT FROM rows WHERE rows.device = stored.device_id
                                  AND rows.patient_id = stored.patient_id AND rows.worn_from = stored.worn_from)
           ) AS every
        ON every.device = own.device AND every.days && own.days AND every.line IS DISTINCT FROM own.line
     ORDER BY own.line, lower(every.days), every.line
"""
_RESTORED = """
    SELECT back.assignment_id
      FROM unnest(%(restored)s::integer[], %(untils)s::date[]) AS back (assignment_id, worn_until)
      JOIN device_assignments AS own USING (assignment_id)
      JOIN device_assignments AS other ON other.device_id = own.device_id AND other.assignment_id <> own.assignment_id
       AND daterange(other.worn_from, other.worn_until, '[)') && daterange(own.worn_from, back.worn_until, '[)')
     WHERE other.assignment_id <> ALL (%(deleted)s) AND other.assignment_id <> ALL (%(restored)s)
"""


class Overlap(NamedTuple):
    """A row of a file, and the assignment that it overlaps: of another line, or of a stored row."""

    line: int
    worn_from: datetime.date
    patient: str
    begins: datetime.date
    ends: datetime.date | None
    other_line: int | None

    def __str__(self) -> str:
        return self.describe(f"Line {self.other_line}")

    def describe(self, other: str) -> str:
        """Return the error; `other` is what people call the line that the row overlaps, if it is one of the file."""
        until = f"until {self.ends}" if self.ends else "with no end"
        whose = f"patient {self.patient}, from {self.begins} {until}"
        if self.other_line is None:
            return f"The device is assigned to {whose}. End that assignment first, or correct the days."
        return f"{other} assigns the device to {whose}. Correct the days of one of them."


def find_in_file(query: Callable[[str], list[tuple[Any, ...]]]) -> list[Overlap]:
    """Return an overlap for each staged row that has one. `query` runs a SELECT about the relation `rows`."""
    return [Overlap(*found) for found in query(_IN_FILE)]


def find_restored(restored: Sequence[tuple[int, Any]], deleted: Collection[int]) -> set[int]:
    """Return those of the assignments that would overlap others if they had these ends again.

    `restored` has the new end of each, as text or None. Those that are `deleted` at the same time do not count.
    """
    if not restored:
        return set()
    keys, untils = zip(*restored, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_RESTORED, {"restored": list(keys), "untils": list(untils), "deleted": list(deleted)})
        return {key for (key,) in cursor.fetchall()}
