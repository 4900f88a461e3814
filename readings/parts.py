"""What of this app follows a patient: assignments and consents, and the readings.

Deleted readings stay under the key deleted/N, which no patient's number may be, so that a restoration finds them, and a
new patient with a reused number does not. Merged readings keep the number of their record as their origin.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from patients.follows import Part
from readings.devices.attribution import attribute
from readings.models import DISTRIBUTABLE, Consent, DeviceAssignment, ReadingStream

# The rows of `moved_streams` say from which patient to which each stream moves, and with which origin.
_MOVED = """
    CREATE TEMPORARY TABLE moved_streams (old text COLLATE "C", stream_id integer, new text COLLATE "C", origin text)
        ON COMMIT DROP
"""
_MERGED = """
    INSERT INTO moved_streams SELECT patient_id, stream_id, %(target)s, coalesce(nullif(origin, ''), patient_id)
      FROM reading_streams WHERE patient_id = %(source)s
"""
_DELETED = """
    WITH keys AS (
        SELECT patient_id, 'deleted/' || nextval(pg_get_serial_sequence('changes', 'change_id')) AS key
          FROM (SELECT DISTINCT patient_id FROM reading_streams WHERE patient_id = ANY (%(numbers)s)) AS own
    ), recorded AS (
        SELECT patient_id, key, record_reading_change('reading_streams', 'delete', patient_id, NULL,
               jsonb_build_object('key', jsonb_build_array(NULL, key))) FROM keys
    )
    INSERT INTO moved_streams SELECT stream.patient_id, stream.stream_id, recorded.key, stream.origin
      FROM recorded JOIN reading_streams AS stream USING (patient_id)
"""
# Of the deletions of a number, the latest one is restored: what an earlier one moved belonged to somebody else.
_RESTORED = """
    WITH latest AS (
        SELECT number, (SELECT change_id FROM changes AS deletion
                         WHERE deletion.patient_id = number AND deletion.table_name = 'medical_records'
                           AND deletion.action = 'delete' ORDER BY change_id DESC OFFSET 1 LIMIT 1) AS before
          FROM unnest(%(numbers)s::text[]) AS number
    )
    INSERT INTO moved_streams SELECT stream.patient_id, stream.stream_id, latest.number, stream.origin
      FROM latest JOIN changes AS moved ON moved.patient_id = latest.number AND moved.table_name = 'reading_streams'
       AND moved.action = 'delete' AND moved.change_id > coalesce(latest.before, 0)
      JOIN reading_streams AS stream ON stream.patient_id = moved.fields -> 'key' ->> 1
"""
# What a record brought into a merge goes back to it, or to the record that has its number as a former one.
_SPLIT = """
    INSERT INTO moved_streams
    SELECT stream.patient_id, stream.stream_id, owner.number,
           CASE WHEN stream.origin = owner.number THEN '' ELSE stream.origin END
      FROM (SELECT number AS origin, number FROM unnest(%(numbers)s::text[]) AS number
            UNION
            SELECT number, patient_id FROM former_patient_numbers WHERE patient_id = ANY (%(numbers)s)) AS owner
      JOIN reading_streams AS stream ON stream.origin = owner.origin AND stream.patient_id <> owner.number
     WHERE stream.patient_id NOT LIKE 'deleted/%%'
"""
_ERASED = """
    DELETE FROM {table} WHERE patient_id = ANY (%(numbers)s) OR patient_id IN (
        SELECT fields -> 'key' ->> 1 FROM changes
         WHERE patient_id = ANY (%(numbers)s) AND table_name = 'reading_streams' AND action = 'delete')
"""
_CONSENTS_OF_BOTH = """
    UPDATE reading_consents AS own SET is_given = false FROM reading_consents AS other
     WHERE own.patient_id = %(target)s AND other.patient_id = %(source)s AND own.since = other.since
       AND own.is_given AND NOT other.is_given
"""


class AssignmentsAndConsents(Part):
    is_tracked = True

    def merge(self, source: str, target: str) -> int:
        """Give them to the target. Of two consents of one day, a withdrawal counts."""
        with connection.cursor() as cursor:
            cursor.execute(_CONSENTS_OF_BOTH, {"source": source, "target": target})
        both = Consent.objects.filter(patient=target).values("since")
        Consent.objects.filter(patient=source, since__in=both).delete()
        return sum(model.objects.filter(patient=source).update(patient=target) for model in (DeviceAssignment, Consent))

    def delete(self, numbers: Sequence[str]) -> None:
        DeviceAssignment.objects.filter(patient__in=numbers).delete()
        Consent.objects.filter(patient__in=numbers).delete()

    def restore(self, numbers: Sequence[str]) -> None:
        """Leave the rows as they are: their restoration needs nothing else."""

    def erase(self, numbers: Sequence[str]) -> None:
        self.delete(numbers)


class Readings(Part):
    label = "Readings"

    def get_owners(self) -> QuerySet[Any]:
        return ReadingStream.objects.values("patient_id")

    def merge(self, source: str, target: str) -> int:
        with connection.cursor() as cursor:
            moved = _move(cursor, _MERGED, {"source": source, "target": target})
        attribute([target])
        return moved

    def delete(self, numbers: Sequence[str]) -> None:
        with connection.cursor() as cursor:
            _move(cursor, _DELETED, {"numbers": list(numbers)})

    def restore(self, numbers: Sequence[str]) -> None:
        with connection.cursor() as cursor:
            moved = _move(cursor, _RESTORED, {"numbers": list(numbers)})
            moved += _move(cursor, _SPLIT, {"numbers": list(numbers)})
        if moved:
            attribute(numbers)

    def find_conflicts(self, numbers: Sequence[str]) -> Collection[str]:
        """Return the patients who have readings: an undo does not remove their records."""
        found = ReadingStream.objects.filter(patient_id__in=numbers)
        return set(found.values_list("patient_id", flat=True))

    def erase(self, numbers: Sequence[str]) -> None:
        with connection.cursor() as cursor:
            for model in DISTRIBUTABLE:
                cursor.execute(_ERASED.format(table=model._meta.db_table), {"numbers": list(numbers)})


def _move(cursor: CursorWrapper, find: str, values: dict[str, object]) -> int:
    """Move streams with all that belongs to them, by new rows instead of updates, and return how many moved.

    A distributed table does not allow to update the column that decides where a row is.
    """
    cursor.execute("DROP TABLE IF EXISTS moved_streams")
    cursor.execute(_MOVED)
    cursor.execute(find, values)  # type: ignore[arg-type]  # texts and lists
    moved: int = cursor.rowcount
    for model in DISTRIBUTABLE if moved else ():
        table = model._meta.db_table
        columns = [str(field.column) for field in model._meta.concrete_fields if field.column]
        new = {"patient_id": "moved.new", "origin": "moved.origin"}
        selected = ", ".join(new.get(column, f"own.{column}") for column in columns)
        where = "own.patient_id = moved.old AND own.stream_id = moved.stream_id"
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {selected}"  # noqa: S608 (names of models)
            f" FROM {table} AS own JOIN moved_streams AS moved ON {where}"
        )
        cursor.execute(f"DELETE FROM {table} AS own USING moved_streams AS moved WHERE {where}")  # noqa: S608  (constants of this module)
    return moved
