"""The same readings in our own form and in the formats of others become the same day rows."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from readings.models import ReadingDay
from tests.support import factories
from tests.support.fit_files import begin, seconds
from tests.support.health_connect_files import make_export, milliseconds
from tests.support.reading_imports import run_command

pytestmark = pytest.mark.django_db

HEART_RATES = [("2024-03-05T08:00:00+01:00", 72), ("2024-03-05T08:00:10+01:00", 80), ("2024-03-05T23:59:59+01:00", 64)]
STEPS = [("2024-03-05T08:00:00+01:00", "2024-03-05T08:05:00+01:00", 120)]


def write_own_form(path: Path) -> Path:
    rows = [f"heart_rate,{time},,{value},/min" for time, value in HEART_RATES]
    rows += [f"steps,{start},{end},{value},{{steps}}" for start, end, value in STEPS]
    path.write_text("\n".join(["metric,start,end,value,unit", *rows, ""]))
    return path


def write_fit(path: Path) -> Path:
    file = begin()
    for start, end, value in STEPS:
        times = {"timestamp": seconds(start), "local_timestamp": seconds(start) + 3600}
        file.add("monitoring_info", **times).add("monitoring", timestamp=seconds(start), activity_type=6, cycles=500)
        file.add("monitoring", timestamp=seconds(end), activity_type=6, cycles=500 + value)
    for time, value in HEART_RATES:
        file.add("monitoring", timestamp=seconds(time), heart_rate=value)
    path.write_bytes(file.make())
    return path


def write_health_connect(path: Path) -> Path:
    export = make_export(path)
    export.add_interval("heart_rate_record_table", HEART_RATES[0][0], HEART_RATES[-1][0])
    rates = [{"parent_key": 1, "epoch_millis": milliseconds(t), "beats_per_minute": value} for t, value in HEART_RATES]
    export.add("heart_rate_record_series_table", rates)
    for start, end, value in STEPS:
        export.add_interval("steps_record_table", start, end, count=value)
    return path


def write_open_mhealth(path: Path) -> Path:
    points: list[dict[str, Any]] = [
        {"heart_rate": {"value": value, "unit": "beats/min"}, "effective_time_frame": {"date_time": time}}
        for time, value in HEART_RATES
    ]
    for start, end, value in STEPS:
        frame = {"time_interval": {"start_date_time": start, "end_date_time": end}}
        points.append({"step_count": {"value": value, "unit": "steps"}, "effective_time_frame": frame})
    path.write_text(json.dumps(points))
    return path


def write_fhir(path: Path) -> Path:
    """Write a value for each heart rate, and a series of samples for steps."""
    resources = []
    for code, unit in (("8867-4", "/min"), ("55423-8", "{steps}")):
        coding = {"coding": [{"system": "http://loinc.org", "code": code}]}
        shared = {"resourceType": "Observation", "status": "final", "code": coding}
        resources += [
            {**shared, "effectiveDateTime": time, "valueQuantity": {"value": value, "code": unit}}
            for time, value in (HEART_RATES if unit == "/min" else ())
        ]
        resources += [
            {
                **shared,
                "effectivePeriod": {"start": start, "end": end},
                "valueSampledData": {
                    "origin": {"value": 100, "code": unit},
                    "period": 300_000,
                    "data": str(value - 100),
                },
            }
            for start, end, value in (STEPS if unit == "{steps}" else ())
        ]
    path.write_text("\n".join(map(json.dumps, resources)))
    return path


def get_days(patient: str) -> list[dict[str, Any]]:
    """Return the day rows of a patient without what differs between imports."""
    names = [field.name for field in ReadingDay._meta.concrete_fields]
    compared = [name for name in names if name not in {"pk", "patient_id", "stream_id", "run_id"}]
    return list(ReadingDay.objects.filter(patient_id=patient).order_by("stream_id").values(*compared))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("1.fit", write_fit),
        ("export.db", write_health_connect),
        ("points.json", write_open_mhealth),
        ("all.ndjson", write_fhir),
    ],
)
def test_the_same_readings_become_the_same_day_rows(tmp_path: Path, name: str, write: Callable[[Path], Path]) -> None:
    for number in ("P1", "P2"):
        factories.medical_record(number, date_of_birth=date(1980, 1, 1))
    run_command(write_own_form(tmp_path / "own.csv"), patient="P1")
    _, errors = run_command(write(tmp_path / name), patient="P2")
    assert errors == ""
    assert len(get_days("P1")) == 2
    assert sorted(get_days("P2"), key=str) == sorted(get_days("P1"), key=str)
