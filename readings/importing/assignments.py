"""Who wore which device, as the files of a run say it: staged, compared with what is stored, and written."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import polars as pl
from django.db import connection
from django.db.backends.utils import CursorWrapper

from healthtrack.imports import staging_tables
from healthtrack.imports.life_cycle.outcomes import CollisionError
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.staging_tables import STAGING_SCHEMA
from readings.devices import overlapping_assignments
from readings.formats.batch import ASSIGNMENT_COLUMNS, LINE, MAY_SHARE
from readings.importing.unreadable import LINES_OF_PART

COUNTED = ("new_assignments", "changed_assignments", "unchanged_assignments")
_CREATE = """
    CREATE TABLE IF NOT EXISTS {own} (
        line bigint GENERATED ALWAYS AS IDENTITY, place bigint, patient_id text COLLATE "C", serial_number text,
        maker_key text, model text, worn_from date, worn_until date, may_share boolean, device integer, outcome text)
"""
_KNOWN = """
    UPDATE {own} AS own SET device = device.device_id FROM devices AS device
     WHERE (own.serial_number <> '' AND device.serial_number <> ''
            AND lower(device.serial_number) = lower(own.serial_number))
        OR (own.serial_number = '' AND device.maker_key <> '' AND lower(device.maker_key) = lower(own.maker_key))
"""
# Until missing devices are created, they have negative numbers.
_MISSING = """
    UPDATE {own} AS own SET device = -numbered.number
      FROM (SELECT serial, row_number() OVER (ORDER BY serial) AS number
              FROM (SELECT DISTINCT lower(serial_number) AS serial FROM {own}
                     WHERE device IS NULL AND serial_number <> '') AS missing) AS numbered
     WHERE own.device IS NULL AND lower(own.serial_number) = numbered.serial
"""
_UNNAMED = "DELETE FROM {own} WHERE device IS NULL"
# On the day on which a device was handed over, it belongs to the next one who wore it.
_SHARED = """
    UPDATE {own} AS own SET worn_until = own.worn_until - 1
     WHERE own.may_share AND own.worn_until - 1 > own.worn_from
       AND (EXISTS (SELECT FROM {own} AS other WHERE other.device = own.device AND other.worn_from = own.worn_until - 1)
            OR EXISTS (SELECT FROM device_assignments AS stored
                        WHERE stored.device_id = own.device AND stored.worn_from = own.worn_until - 1))
"""
_REPEATED = """
    DELETE FROM {own} AS own USING {own} AS other
     WHERE own.device = other.device AND own.patient_id = other.patient_id AND own.worn_from = other.worn_from
       AND own.worn_until IS NOT DISTINCT FROM other.worn_until AND own.line > other.line
"""
_COMPARE = """
    UPDATE {own} AS own SET outcome = CASE
        WHEN stored.assignment_id IS NULL THEN 'new'
        WHEN stored.worn_until IS NOT DISTINCT FROM own.worn_until THEN 'unchanged' ELSE 'changed' END
      FROM {own} AS each LEFT JOIN device_assignments AS stored
        ON stored.device_id = each.device AND stored.patient_id = each.patient_id AND stored.worn_from = each.worn_from
     WHERE own.line = each.line
"""
# Those that end earlier come first, because others may begin where they end.
_CHANGE = """
    UPDATE device_assignments AS stored SET worn_until = own.worn_until FROM {own} AS own
     WHERE own.outcome = 'changed' AND stored.device_id = own.device AND stored.patient_id = own.patient_id
       AND stored.worn_from = own.worn_from
       AND coalesce(own.worn_until, 'infinity') {compared} coalesce(stored.worn_until, 'infinity')
"""
_INSERT = """
    INSERT INTO device_assignments (device_id, patient_id, worn_from, worn_until)
    SELECT device, patient_id, worn_from, worn_until FROM {own} WHERE outcome = 'new' ORDER BY line
"""
_LOCK = """
    SELECT count(*) FROM (SELECT FROM medical_records WHERE patient_id IN (SELECT patient_id FROM {own})
                           ORDER BY patient_id FOR KEY SHARE) AS locked
"""
_LISTED = """
    SELECT patient_id, coalesce(nullif(serial_number, ''), maker_key), worn_from, worn_until, outcome
      FROM {own} ORDER BY outcome = 'unchanged', line LIMIT %s
"""


class Listed(NamedTuple):
    """An assignment as the preview shows it; `outcome` is new, changed or unchanged."""

    patient: str
    device: str
    worn_from: date
    worn_until: date | None
    outcome: str


class StagedAssignments:
    """The assignments of a run, in a staging table."""

    def __init__(self, run_id: int) -> None:
        self.table = f"{STAGING_SCHEMA}.run_{run_id:d}_assignments"
        self.is_open = False
        self.count = 0

    def create(self) -> None:
        with connection.cursor() as cursor:
            self._execute(cursor, _CREATE)

    def _execute(self, cursor: CursorWrapper, query: str) -> None:
        cursor.execute(query.format(own=self.table))

    def add(self, rows: pl.DataFrame, part: int) -> None:
        """Add assignments of patients who have records."""
        self.is_open |= not rows.is_empty()
        columns = ", ".join(("place", *ASSIGNMENT_COLUMNS, MAY_SHARE))
        empty = pl.col("serial_number", "maker_key", "model").fill_null("")
        placed = rows.with_columns(empty, place=pl.col(LINE) + part * LINES_OF_PART)
        with connection.cursor() as cursor, cursor.copy(f"COPY {self.table} ({columns}) FROM STDIN") as copy:
            for row in placed.select("place", *ASSIGNMENT_COLUMNS, MAY_SHARE).iter_rows():
                copy.write_row(row)

    def resolve(self) -> tuple[Sequence[tuple[int, RowError]], int]:
        """Find the devices, and leave out assignments that overlap others.

        Return an error for each of those, with the number of its part, and how many name no device.
        """
        self.is_open = False
        with connection.cursor() as cursor:
            self._find_devices(cursor)
            self._execute(cursor, _UNNAMED)
            unnamed = cursor.rowcount
            self._execute(cursor, _SHARED)
            self._execute(cursor, _REPEATED)
            errors = list(self._leave_out_overlapping(cursor))
            cursor.execute(f"SELECT count(*) FROM {self.table}")  # noqa: S608 (own name)
            self.count = cursor.fetchone()[0]
        return errors, unnamed

    def _find_devices(self, cursor: CursorWrapper) -> None:
        for query in (f"UPDATE {self.table} SET device = NULL", _KNOWN, _MISSING):  # noqa: S608 (own name)
            self._execute(cursor, query)

    def _query(self, cursor: CursorWrapper, query: str) -> list[tuple[Any, ...]]:
        cursor.execute(f"WITH rows AS (SELECT * FROM {self.table}) {query}")  # noqa: S608 (own name)
        return list(cursor.fetchall())

    def _leave_out_overlapping(self, cursor: CursorWrapper) -> Iterator[tuple[int, RowError]]:
        overlaps = overlapping_assignments.find_in_file(partial(self._query, cursor))
        cursor.execute(f"SELECT line, place FROM {self.table}")  # noqa: S608 (own name)
        places = dict(cursor.fetchall())
        lines = [each.line for each in overlaps]
        cursor.execute(f"DELETE FROM {self.table} WHERE line = ANY (%s)", [lines])  # noqa: S608 (own name)
        for each in overlaps:
            part, line = divmod(places[each.line], LINES_OF_PART)
            _, other = divmod(places.get(each.other_line, 0), LINES_OF_PART)
            reason = each.describe(f"Another one, at position {other},")
            yield part, RowError(reason, line, "worn_from", f"{each.worn_from}", "overlapping assignments")

    def fetch_wearers(self) -> pl.DataFrame:
        """Return who wore the devices, in the form of `get_wearers`."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT lower(serial_number), patient_id, worn_from, worn_until FROM {self.table}"  # noqa: S608 (own name)
                " WHERE serial_number <> ''"
            )
            rows = cursor.fetchall()
        schema = {"serial": pl.String, "wearer": pl.String, "worn_from": pl.Date, "worn_until": pl.Date}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def compare(self, cursor: CursorWrapper) -> Mapping[str, int]:
        """Return how many assignments are new, changed and unchanged."""
        self._execute(cursor, _COMPARE)
        cursor.execute(f"SELECT outcome, count(*) FROM {self.table} GROUP BY outcome")  # noqa: S608 (own name)
        found = dict(cursor.fetchall())
        return {name: found.get(name.partition("_")[0], 0) for name in COUNTED}

    def compare_again(self, cursor: CursorWrapper) -> Mapping[str, int]:
        """Return the same counts before the run writes, and lock the patients.

        Raise CollisionError if a patient has no record any more, or somebody else wears a device now.
        """
        self._find_devices(cursor)
        self._execute(cursor, _LOCK)
        locked = cursor.fetchone()[0]
        cursor.execute(f"SELECT count(DISTINCT patient_id) FROM {self.table}")  # noqa: S608 (own name)
        if locked != cursor.fetchone()[0] or overlapping_assignments.find_in_file(partial(self._query, cursor)):
            raise CollisionError
        return self.compare(cursor)

    def get_devices(self, cursor: CursorWrapper) -> Mapping[str, str]:
        """Return the text of the model for each serial number."""
        cursor.execute(
            f"SELECT serial_number, max(model) FROM {self.table} WHERE serial_number <> '' GROUP BY 1"  # noqa: S608 (own name)
        )
        return dict(cursor.fetchall())

    def write(self, cursor: CursorWrapper) -> set[str]:
        """Write the compared assignments, after their devices exist, and return the patients of those that differ."""
        self._find_devices(cursor)
        for compared in ("<", ">"):
            self._execute(cursor, _CHANGE.replace("{compared}", compared))
        self._execute(cursor, _INSERT)
        cursor.execute(f"SELECT DISTINCT patient_id FROM {self.table} WHERE outcome <> 'unchanged'")  # noqa: S608 (own name)
        return {number for (number,) in cursor.fetchall()}

    def list_some(self, limit: int) -> list[Listed]:
        """Return the first assignments, those that change something before others."""
        if not staging_tables.exists(self.table):
            return []
        with connection.cursor() as cursor:
            cursor.execute(_LISTED.format(own=self.table), [limit])
            return [Listed._make(row) for row in cursor.fetchall()]
