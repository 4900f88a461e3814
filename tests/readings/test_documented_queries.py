"""The queries of docs/readings.md run, and find what they say."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from readings.models import Device
from tests.support import factories
from tests.support.readings import Reading, streams, write_run

pytestmark = pytest.mark.django_db

QUERIES = re.findall(r"```sql\n(.*?)```", Path(settings.BASE_DIR, "docs", "readings.md").read_text(), re.DOTALL)
MORNING = int(datetime(2024, 3, 5, 7, tzinfo=UTC).timestamp()) * 1_000_000
HOUR = 3_600_000_000


@pytest.fixture
def _stored() -> None:
    factories.medical_record("P1")
    Device.objects.create(serial_number="SN1")
    readings = [Reading(1, MORNING + n * HOUR // 4, 70 + n, utc_offset=3600) for n in range(8)]
    readings += [Reading(2, MORNING, 55, 1, 3600), Reading(3, MORNING, 100, length=HOUR)]
    write_run(1, [readings], streams("P1", "SN1"))


def ask(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


@pytest.mark.usefixtures("_stored")
def test_all_five_queries_run() -> None:
    day, hours, glucose, devices, months = map(ask, QUERIES)
    assert [(at.isoformat(), value, unit) for at, value, unit in day[:2]] == [
        ("2024-03-05T07:00:00+00:00", Decimal(70), "/min"),
        ("2024-03-05T07:15:00+00:00", Decimal(71), "/min"),
    ]
    assert [(int(hour), mean, count) for hour, mean, count in hours] == [
        (8, Decimal("71.5"), 4),
        (9, Decimal("75.5"), 4),
    ]
    assert [mg_dl for _, mg_dl in glucose] == [99]
    assert [(metric, count) for metric, *_, count in devices] == [("glucose", 1), ("heart_rate", 8), ("steps", 1)]
    assert months == [("/min", datetime(2024, 3, 1, tzinfo=UTC), 73.5, 1)]


@pytest.mark.usefixtures("_stored")
def test_intervals_have_an_end() -> None:
    assert ask("SELECT ends_at - at FROM readings WHERE metric = 'steps'")[0][0].total_seconds() == 3600
