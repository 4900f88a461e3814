"""Apple Health exports of any size, made of the records that real ones mostly have."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

BEGIN = datetime(2019, 1, 1, 7, 0, 0, tzinfo=UTC)
_WATCH = (
    "&lt;&lt;HKDevice: 0x{address:x}&gt;, name:Apple Watch, manufacturer:Apple Inc., model:Watch,"
    " hardware:Watch6,2, software:8.3&gt;"
)
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 12 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout|ActivitySummary|ClinicalRecord)*)>
<!ATTLIST HealthData
  locale CDATA #REQUIRED
>
]>
<HealthData locale="en_US">
 <ExportDate value="2024-01-01 07:00:00 +0100"/>
 <Me HKCharacteristicTypeIdentifierDateOfBirth="1980-01-01"/>
"""
_RECORD = (
    ' <Record type="HKQuantityTypeIdentifier{type}" sourceName="Watch of somebody" sourceVersion="8.3"'
    ' device="{device}" unit="{unit}" creationDate="{end} +0100" startDate="{start} +0100" endDate="{end} +0100"'
    ' value="{value}"'
)
_MOTION = '>\n  <MetadataEntry key="HKMetadataKeyHeartRateMotionContext" value="0"/>\n </Record>\n'


def write_export(path: Path, size: int) -> int:
    """Write an export.xml of about `size` bytes, and return the number of records."""
    records = written = 0
    with path.open("w") as file:
        file.write(_HEAD)
        for record in _generate():
            written += file.write(record)
            records += 1
            if written >= size:
                break
        file.write("</HealthData>\n")
    return records


def _generate() -> Iterator[str]:
    """Yield records of 150 seconds after the other: heart rate, energy, and every other time steps and distance."""
    moment, number = BEGIN, 0
    while True:
        number += 1
        device = _WATCH.format(address=0x280000000 + number * 16)
        start, end = f"{moment:%Y-%m-%d %H:%M:%S}", f"{moment + timedelta(seconds=75):%Y-%m-%d %H:%M:%S}"
        heart = {"type": "HeartRate", "unit": "count/min", "value": 60 + number % 60}
        yield _RECORD.format(device=device, start=start, end=start, **heart) + _MOTION
        for kind, is_due in (("ActiveEnergyBurned", True), ("BasalEnergyBurned", True), ("StepCount", number % 2)):
            if is_due:
                unit, value = ("count", number % 150) if kind == "StepCount" else ("kcal", f"0.{number % 977:03}")
                yield _RECORD.format(type=kind, device=device, unit=unit, start=start, end=end, value=value) + "/>\n"
        if number % 2:
            value = f"{number % 89 / 1000:.5f}"
            yield (
                _RECORD.format(
                    type="DistanceWalkingRunning", device=device, unit="km", start=start, end=end, value=value
                )
                + "/>\n"
            )
        moment += timedelta(seconds=150)
