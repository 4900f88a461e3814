"""Facts about public samples of the formats, which were found without our readers, on files of our own like them.

The samples are those of the projects fitdecode (FIT), Open mHealth, and the bulk exports of Synthea (FHIR).
"""

import json
from decimal import Decimal
from pathlib import Path

from readings.formats.fhir import Fhir
from readings.formats.garmin_fit import GarminFit
from readings.formats.open_mhealth import OpenMHealth
from tests.support.fit_files import FitFile
from tests.support.parts import Contents

WALKING, RUNNING, SEDENTARY = 6, 1, 8


def test_a_day_of_a_vivofit_has_the_steps_of_its_last_records(tmp_path: Path) -> None:
    """MonitoringFile.fit ends with 3,142 steps of walking, 31 of running, and 68 and 1 kcal at midnight."""
    begin, end = 788_594_400, 788_680_800
    file = FitFile().add("file_id", type=32, manufacturer=1, product=1837, serial_number=3_882_708_276)
    file.add("device_info", timestamp=788_814_840, serial_number=3_882_708_276)
    file.add("monitoring_info", timestamp=begin, local_timestamp=788_572_800)
    for bits, kind, cycles in (
        (29172, SEDENTARY, None),
        *((29412, WALKING, 100), (29892, WALKING, 315), (30432, SEDENTARY, None), (30492, WALKING, 322)),
        *((60000, RUNNING, 31), (9656, WALKING, 2896), (20516, WALKING, 3142)),
    ):
        values = {} if cycles is None else {"cycles": cycles}
        file.add("monitoring", timestamp_16=bits, current_activity_type_intensity=kind | 0x40, **values)
    for kind, cycles, calories in ((WALKING, 3142, 68), (RUNNING, 31, 1)):
        file.add("monitoring", timestamp=end, activity_type=kind, cycles=cycles, active_calories=calories)
    (tmp_path / "1.fit").write_bytes(file.make())
    contents = Contents(GarminFit(), tmp_path / "1.fit")
    steps = [row for row in contents.rows if row["metric"] == "steps"]
    assert sum(Decimal(row["value"]) for row in steps) == 3142 + 31
    first = steps[0]
    assert (first["start"], first["end"]) == ("2014-12-27T08:11:00-06:00", "2014-12-27T08:15:00-06:00")
    assert (first["value"], first["serial_number"], first["model"]) == ("100", "3882708276", "Garmin vivo fit")
    energy = [row for row in contents.rows if row["metric"] == "active_energy"]
    assert [(row["start"], row["end"], row["value"]) for row in energy] == [
        ("2014-12-27T00:00:00-06:00", "2014-12-28T00:00:00-06:00", "69")
    ]


def test_a_scale_has_two_weights(tmp_path: Path) -> None:
    """WeightScaleSingleUser.fit has 75.8 and 76.09 kg, an hour apart, and no local time."""
    file = FitFile().add("file_id", type=9, manufacturer=15, product=22, serial_number=1234)
    for time, weight in ((621_466_680, 7580), (621_470_280, 7609)):
        file.add("weight_scale", timestamp=time, weight=weight, percent_fat=2230)
    (tmp_path / "1.fit").write_bytes(file.make())
    assert Contents(GarminFit(), tmp_path / "1.fit").get("start", "value", "serial_number") == [
        ("2009-09-09T21:38:00-00:00", "75.8", "1234"),
        ("2009-09-09T22:38:00-00:00", "76.09", "1234"),
    ]


def test_a_run_of_14_seconds_is_a_workout(tmp_path: Path) -> None:
    """Activity.fit has 14 positions without heart rate, and a run of 13.749 seconds, four hours behind UTC."""
    file = FitFile().add("file_id", type=4, manufacturer=15, product=1, serial_number=2_147_483_647)
    for second in range(14):
        file.add("record", timestamp=702_940_946 + second, position_lat=495_280_430)
    file.add("session", timestamp=702_941_091, start_time=702_940_946, sport=1, total_elapsed_time=13_749)
    file.add("activity", timestamp=702_941_091, local_timestamp=702_926_691)
    (tmp_path / "1.fit").write_bytes(file.make())
    contents = Contents(GarminFit(), tmp_path / "1.fit")
    (run,) = contents.episodes
    assert (run["start"], run["end"]) == ("2012-04-09T17:22:26-04:00", "2012-04-09T17:22:40-04:00")
    assert (run["stage"], contents.rows, contents.left_out) == ("running", [], {"positions": 14})


def test_a_minimum_of_four_months_is_no_reading(tmp_path: Path) -> None:
    """The sample of Open mHealth is the lowest glucose from February until June 2013, 95 mg/dL, without a header."""
    interval = {"start_date_time": "2013-02-05T07:25:00Z", "end_date_time": "2013-06-05T07:25:00Z"}
    body = {"blood_glucose": {"unit": "mg/dL", "value": 95}, "effective_time_frame": {"time_interval": interval}}
    body |= {"specimen_source": "capillary blood", "descriptive_statistic": "minimum"}
    (tmp_path / "1.json").write_text(json.dumps(body, indent=4))
    contents = Contents(OpenMHealth(), tmp_path / "1.json")
    assert (contents.rows, contents.left_out) == ([], {"statistics of a period, such as averages": 1})


def test_implants_without_readings_are_counted(tmp_path: Path) -> None:
    """The bulk export of Synthea has 16 devices, 13 patients and no Observation."""
    device = {"resourceType": "Device", "serialNumber": "9866037", "patient": {"reference": "Patient/1"}}
    lines = [json.dumps({**device, "id": f"d{number}"}) for number in range(16)]
    lines += [json.dumps({"resourceType": "Patient", "id": str(number)}) for number in range(13)]
    (tmp_path / "1.ndjson").write_text("\n".join(lines))
    contents = Contents(Fhir(), tmp_path / "1.ndjson")
    assert contents.rows == []
    assert contents.left_out == {"Patient, for the import of medical records": 13, "devices without readings": 16}
