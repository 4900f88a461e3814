"""The same files again: their readings are those that are stored, and are staged from there.

This holds only for files without assignments of devices, and if nothing that decides about rows has changed since: the
version of the program, the answers, the patients, the devices with serial numbers, and the stored readings themselves.
Otherwise the files are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

import healthtrack
from healthtrack.imports.importer import RunInput
from healthtrack.imports.models import ImportFile, ImportRun, State
from readings.importing.assignments import COUNTED as ASSIGNMENTS
from readings.store.rows import ARRAYS, FIGURES, comma
from readings.store.staging import StagedReadings

# What a run stores of the program that read its files.
READ_BY = "read_by"
_COUNTED = ("new", "changed", "unchanged")
_OWN_STREAMS = """
    SELECT stream.* FROM reading_streams AS stream
      JOIN (SELECT patient_id, stream_id FROM reading_days WHERE run_id = %(run)s
            UNION
            SELECT patient_id, stream_id FROM episodes WHERE run_id = %(run)s) AS own USING (patient_id, stream_id)
"""
# The readings and episodes that are exactly those of the run; and streams about which the check may decide otherwise:
# of merged or missing patients, or before a birth, without consent, with exclusions, or from devices that are known.
_STATE = f"""
    SELECT (SELECT coalesce(sum(reading_count), 0) FROM reading_days WHERE run_id = %(run)s),
           (SELECT count(*) FROM episodes WHERE run_id = %(run)s),
           EXISTS (SELECT FROM ({_OWN_STREAMS}) AS stream
                     LEFT JOIN medical_records AS record USING (patient_id)
                    WHERE record.patient_id IS NULL OR stream.origin <> ''
                       OR NOT coalesce((SELECT is_given FROM reading_consents AS consent
                                         WHERE consent.patient_id = stream.patient_id
                                         ORDER BY since DESC LIMIT 1), true)
                       OR EXISTS (SELECT FROM reading_days AS days WHERE days.patient_id = stream.patient_id
                                     AND days.stream_id = stream.stream_id AND days.day <= record.date_of_birth)
                       OR EXISTS (SELECT FROM reading_exclusions AS excluded
                                   WHERE excluded.patient_id = stream.patient_id
                                     AND excluded.stream_id = stream.stream_id)
                       OR EXISTS (SELECT FROM devices AS device WHERE device.serial_number <> ''
                                     AND lower(device.serial_number) = lower(stream.source)))
"""  # noqa: S608 (constants of this module)
_STREAMS = f"""
    INSERT INTO {{streams}} (stream, family, patient_id, metric_id, source, unit, serial_number, model)
    SELECT stream_id, stream_id, patient_id, metric_id, source, unit, '', model FROM ({_OWN_STREAMS}) AS stream
"""  # noqa: S608 (constants of this module)
_DAYS = f"""
    INSERT INTO {{pieces}} (stream, day, utc_offset, {comma([*ARRAYS, *FIGURES])})
    SELECT stream_id, day, utc_offset, {comma([*ARRAYS, *FIGURES])} FROM reading_days WHERE run_id = %(run)s
"""  # noqa: S608 (constants of this module)
_EPISODES = """
    INSERT INTO {episodes} (stream, starts_at, ends_at, start_offset, end_offset, day, stages)
    SELECT stream_id, starts_at, ends_at, start_offset, end_offset, day, stages FROM episodes WHERE run_id = %(run)s
"""


@dataclass(frozen=True)
class Repeated:
    """An earlier run of the same files, and what it found."""

    run_id: int
    readings: int
    episodes: int
    left_out: Mapping[str, int]


def find_repeated(work: RunInput) -> Repeated | None:
    """Return the run that read the same files in the same way, and whose readings are stored; None if there is none."""
    own = _get_files(work.run_id)
    others = ImportFile.objects.filter(sha256__in=[sha256 for _, sha256 in own]).values("run_id")
    candidates = ImportRun.objects.filter(
        pk__in=others, state=State.APPLIED, invalid_count=0, **{f"result__{READ_BY}": healthtrack.__version__}
    )
    for run in candidates.order_by("-pk"):
        has_assignments = any(run.result.get(name) for name in ASSIGNMENTS)
        if not has_assignments and run.answers == dict(work.answers) and _get_files(run.pk) == own:
            readings, episodes = (
                sum(run.result.get(f"{name}{ending}", 0) for name in _COUNTED) for ending in ("", "_episodes")
            )
            found = Repeated(run.pk, readings, episodes, run.result.get("left_out", {}))
            if _is_as_imported(found):
                return found
    return None


def _get_files(run_id: int) -> list[tuple[str, str]]:
    return list(ImportFile.objects.filter(run_id=run_id).order_by("position").values_list("name", "sha256"))


def _is_as_imported(found: Repeated) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_STATE, {"run": found.run_id})
        *stored, is_doubtful = cursor.fetchone()
    return not is_doubtful and stored == [found.readings, found.episodes]


def stage_again(staged: StagedReadings, run_id: int) -> None:
    """Stage the readings and episodes of the earlier run, into tables that `create` made."""
    names = {"streams": staged.streams, "pieces": staged.pieces, "episodes": staged.episodes}
    with connection.cursor() as cursor:
        for query in (_STREAMS, _DAYS, _EPISODES):
            cursor.execute(query.format(**names), {"run": run_id})
