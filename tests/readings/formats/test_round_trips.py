"""The same readings in files of several formats give the same day rows."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from readings.models import ReadingDay
from tests.support import clarity_tables, factories, libreview_tables
from tests.support.apple_exports import export, record
from tests.support.reading_imports import run_command

pytestmark = pytest.mark.django_db

# Minutes after 8 o'clock on 13 March 2024 in Berlin, and values.
READINGS = [(0, 98), (5, 101), (10, 250), (15, 39), (20, 60)]


def own(metric: str, unit: str) -> str:
    rows = [f"{metric},2024-03-13T08:{minute:02}:00+01:00,{value},{unit}" for minute, value in READINGS]
    return "\n".join(["metric,start,value,unit", *rows, ""])


def apple(metric: str, unit: str) -> str:
    times = [(f"2024-03-13 08:{minute:02}:00", str(value)) for minute, value in READINGS]
    return export(*(record("BloodGlucose", value, unit, time) for time, value in times))


def read_clarity(metric: str, unit: str) -> str:
    rows = [clarity_tables.value(n, f"2024-03-13T08:{minute:02}:00", f"{v}") for n, (minute, v) in enumerate(READINGS)]
    return clarity_tables.COLUMNS.format(unit=unit) + "\n" + clarity_tables.PREAMBLE + "".join(rows)


def read_libre(metric: str, unit: str) -> str:
    rows = [libreview_tables.record(f"13-03-2024 08:{minute:02}", 0, c4=str(value)) for minute, value in READINGS]
    return libreview_tables.HEADER.format(unit=unit) + "".join(rows)


@pytest.mark.parametrize(
    ("metric", "write"), [("glucose", read_clarity), ("glucose", read_libre), ("blood_glucose", apple)]
)
def test_formats_give_the_same_day_rows(metric: str, write: Callable[[str, str], str], tmp_path: Path) -> None:
    for number in ("P1", "P2"):
        factories.medical_record(number, date_of_birth=date(1980, 1, 1))
    stored: list[Any] = []
    for number, text in (("P1", own(metric, "mg/dL")), ("P2", write(metric, "mg/dL"))):
        path = tmp_path / f"{number}.txt"
        path.write_text(text)
        found, errors = run_command(path, patient=number, zone="Europe/Berlin")
        assert (found["new"], errors) == (len(READINGS), "")
        stored += ReadingDay.objects.filter(patient_id=number).values()
    for row in stored:
        for key in ("patient_id", "stream_id", "run_id"):
            del row[key]
    assert stored[0] == stored[1]
