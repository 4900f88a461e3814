"""What the page of a run shows of the readings that it would import."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from healthtrack.imports import staging_tables
from healthtrack.imports.importer import PagePart
from healthtrack.imports.models import ImportRun, State
from readings.importing.assignments import StagedAssignments
from readings.importing.unreadable import Group, group_unreadable
from readings.store.applying import Application
from readings.store.staging import StagedReadings

MAX_GROUPS = 200
MAX_NAMED = 10  # patients
_GROUPS = """
    SELECT metric.label, streams.source, date_trunc('month', counts.day)::date AS month,
           sum(counts.new), sum(counts.changed), sum(counts.unchanged), count(DISTINCT (counts.stream, counts.day))
      FROM {days}_counts AS counts JOIN {streams} AS streams USING (stream) JOIN metrics AS metric USING (metric_id)
     GROUP BY metric.label, streams.source, month ORDER BY metric.label, streams.source, month LIMIT {limit}
"""
_EPISODES = """
    SELECT metric.label, streams.source, date_trunc('month', own.day)::date AS month, count(*)
      FROM {episodes} AS own JOIN {streams} AS streams USING (stream) JOIN metrics AS metric USING (metric_id)
     GROUP BY metric.label, streams.source, month ORDER BY metric.label, streams.source, month LIMIT {limit}
"""
_SOURCES = """
    SELECT streams.source, count(DISTINCT streams.patient_id), max(device.device_id), sum(days.readings),
           max(streams.model), bool_or(streams.serial_number <> '')
      FROM {streams} AS streams
      JOIN (SELECT stream, sum(reading_count) AS readings FROM {days} GROUP BY stream) AS days USING (stream)
      LEFT JOIN devices AS device ON device.serial_number <> '' AND lower(device.serial_number) = lower(streams.source)
     GROUP BY streams.source ORDER BY streams.source LIMIT {limit}
"""
_PATIENTS = """
    SELECT own.patient_id, coalesce(record.name, '')
      FROM (SELECT DISTINCT patient_id FROM {streams} ORDER BY 1 LIMIT 100) AS own
      LEFT JOIN medical_records AS record USING (patient_id) ORDER BY 1
"""
_PATIENT_COUNT = "SELECT count(DISTINCT patient_id) FROM {streams}"
# Days on which the patients already have readings of the same metric from another source.
_OVERLAPS = """
    SELECT count(*) FROM (
        SELECT DISTINCT days.stream, days.day FROM {days} AS days JOIN {streams} AS streams USING (stream)
          JOIN reading_streams AS other ON other.patient_id = streams.patient_id
           AND other.metric_id = streams.metric_id AND other.source <> streams.source
          JOIN reading_days AS stored ON stored.patient_id = other.patient_id AND stored.stream_id = other.stream_id
           AND stored.day = days.day) AS both_worn
"""
# The first two patients with readings or episodes of a run.
_CONCERNED = """
    SELECT patient_id FROM (
        SELECT patient_id FROM reading_days WHERE run_id = %(run)s
        UNION
        SELECT patient_id FROM reading_contributions WHERE run_id = %(run)s
        UNION
        SELECT patient_id FROM episodes WHERE run_id = %(run)s) AS own
     WHERE patient_id NOT LIKE 'deleted/%%' LIMIT 2
"""
# Of the periods of the streams, only those in which the run has readings.
_DEVICES = """
    SELECT count(DISTINCT device_id), count(DISTINCT stream_id) FILTER (WHERE decision = 'open')
      FROM (SELECT streams.stream, device.*, lead(starts_at, 1, 'infinity') OVER (
                       PARTITION BY device.patient_id, device.stream_id ORDER BY starts_at) AS ends_at
              FROM {streams} AS streams JOIN stream_devices AS device USING (patient_id, stream_id)) AS period
     WHERE EXISTS (SELECT FROM {days} AS own WHERE own.stream = period.stream
                      AND own.last_at >= period.starts_at AND own.first_at < period.ends_at)
        OR EXISTS (SELECT FROM {episodes} AS own WHERE own.stream = period.stream
                      AND own.starts_at >= period.starts_at AND own.starts_at < period.ends_at)
"""


def describe(cursor: CursorWrapper, application: Application) -> dict[str, Any]:
    """Return what a run stores of its preview: numbers only, because names of sources may be those of people."""
    cursor.execute(_OVERLAPS.format(**application.names))
    (overlaps,) = cursor.fetchone()
    cursor.execute(_PATIENT_COUNT.format(**application.names))
    return {"overlaps": overlaps, "patients": cursor.fetchone()[0]}


def count_devices(run_id: int) -> dict[str, int]:
    """Return how many devices the readings of a run go to, and how many streams are unassigned."""
    with connection.cursor() as cursor:
        staged = StagedReadings(run_id)
        cursor.execute(_DEVICES.format(streams=staged.streams, days=staged.days, episodes=staged.episodes))
        devices, unassigned = cursor.fetchone()
    return {"devices": devices, "unassigned": unassigned}


def get_devices(cursor: CursorWrapper, staged: StagedReadings) -> Mapping[str, str]:
    """Return the text of the model for each serial number that the files have as such."""
    cursor.execute(f"SELECT serial_number, max(model) FROM {staged.streams} WHERE serial_number <> '' GROUP BY 1")  # noqa: S608 (own name)
    return dict(cursor.fetchall())


def find_patients(run_id: int) -> list[str]:
    """Return the patients to whom a run brought something; if there are several, two of them."""
    with connection.cursor() as cursor:
        cursor.execute(_CONCERNED, {"run": run_id})
        return [patient for (patient,) in cursor.fetchall()]


def count_days(run_id: int) -> int:
    """Return on how many days of streams a run has readings."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM (
                SELECT patient_id, stream_id, day, utc_offset FROM reading_days WHERE run_id = %(run)s
                UNION
                SELECT patient_id, stream_id, day, utc_offset FROM reading_contributions WHERE run_id = %(run)s
                UNION
                SELECT patient_id, stream_id, day, start_offset FROM episodes WHERE run_id = %(run)s) AS own
            """,
            {"run": run_id},
        )
        return int(cursor.fetchone()[0])


def make_part(run: ImportRun) -> PagePart | None:
    """Return the part of the page that shows the readings of a run by metric, source and month, and what is wrong."""
    if run.needs_answers:
        return None  # the answers decide what cannot be read
    groups, sources, episodes, patients = _fetch_staged(StagedReadings(run.run_id))
    worn = StagedAssignments(run.run_id).list_some(MAX_GROUPS)
    unreadable = group_unreadable(run.run_id)
    if not groups and not unreadable and not episodes and not worn and not run.result.get("left_out"):
        return None
    view = {
        "run": run,
        "groups": groups,
        "patients": patients[:MAX_NAMED],
        "has_more_patients": len(patients) > MAX_NAMED,
        "sources": sources,
        "episodes": episodes,
        "worn": worn,
        "left_out": sorted(run.result.get("left_out", {}).items(), key=lambda each: (-each[1], each[0])),
        "unreadable": unreadable,
        "problems": _list_problems(run, unreadable),
    }
    return PagePart(
        "readings/preview.html",
        view,
        ["readings"],
        [*dict.fromkeys([*(number for number, _ in patients), *(each.patient for each in worn)])],
    )


def _list_problems(run: ImportRun, unreadable: Sequence[Group]) -> list[str]:
    """Return why nothing of the files could be read; nothing if the reasons are about rows or columns."""
    first = [row for group in unreadable for row in group.first]
    is_about_files = run.state == State.REFUSED and not any(row.column or row.place for row in first)
    return [str(row) for row in first] if is_about_files else []


def _fetch_staged(staged: StagedReadings) -> list[list[Any]]:
    """Return the staged readings in groups, their sources, the episodes in groups, and the patients."""
    queries = (_GROUPS, _SOURCES, _EPISODES, _PATIENTS)
    if not staging_tables.exists(f"{staged.days}_counts"):
        return [[] for _ in queries]
    names = {"days": staged.days, "streams": staged.streams, "episodes": staged.episodes, "limit": MAX_GROUPS}
    found = []
    with connection.cursor() as cursor:
        for query in queries:
            cursor.execute(query.format(**names))
            found.append(cursor.fetchall())
    return found
