"""What the page of a record says about the patient's readings."""

from datetime import date
from typing import NamedTuple

from healthtrack.core.permissions import Person
from healthtrack.core.replicas.routing import reading
from patients.models import MedicalRecord
from readings.addresses import VIEW, get_address

_SUMMARY = """
    SELECT array_agg(DISTINCT metric.label), max(days.last),
           coalesce((SELECT NOT is_given FROM reading_consents WHERE patient_id = %(patient)s
                      ORDER BY since DESC LIMIT 1), false)
      FROM reading_streams AS stream JOIN metrics AS metric USING (metric_id)
      JOIN LATERAL (SELECT max(day) AS last FROM reading_days AS own
                     WHERE own.patient_id = stream.patient_id AND own.stream_id = stream.stream_id) AS days
        ON days.last IS NOT NULL
     WHERE stream.patient_id = %(patient)s
"""


class RecordView(NamedTuple):
    """What is measured, the last day with readings, and whether they are hidden after a withdrawal."""

    metrics: list[str] | None
    last_day: date | None
    is_hidden: bool
    address: str


def get_record_view(record: MedicalRecord, person: Person) -> RecordView | None:
    """Return what the page of a record shows to people who may view readings."""
    if not person.has_perms(VIEW):
        return None
    with reading().cursor() as cursor:
        cursor.execute(_SUMMARY, {"patient": record.pk})
        metrics, last_day, is_hidden = cursor.fetchone()
    return RecordView(metrics, last_day, is_hidden, get_address(record.pk))
