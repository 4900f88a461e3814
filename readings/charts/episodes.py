"""The nights and workouts of a patient: which there are."""

from datetime import date
from typing import NamedTuple

from healthtrack.core.replicas.routing import reading

_EPISODES = """
    SELECT metric.label, stream.source, min(day), max(day), count(DISTINCT day), count(DISTINCT starts_at)
      FROM episodes JOIN reading_streams AS stream USING (patient_id, stream_id)
      JOIN metrics AS metric USING (metric_id)
     WHERE patient_id = %s
     GROUP BY stream.stream_id, metric.label, stream.source ORDER BY metric.label, min(starts_at)
"""


class Episodes(NamedTuple):
    """The nights or workouts of one stream. Charts do not show them yet."""

    label: str
    source: str
    first_day: date
    last_day: date
    days: int
    episodes: int


def list_episodes(patient: str) -> list[Episodes]:
    """Return the episodes of a patient by metric and source."""
    with reading().cursor() as cursor:
        cursor.execute(_EPISODES, [patient])
        return [Episodes(*row) for row in cursor.fetchall()]
