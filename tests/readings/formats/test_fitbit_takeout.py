"""Google Takeout of Fitbit: which of its many files are read, and how."""

import io
import json
import tarfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from readings.formats.fitbit_takeout import FitbitTakeout
from readings.models import Episode
from tests.support import factories
from tests.support.fitbit_lists import night
from tests.support.formats import make_zip, read_files
from tests.support.parts import Contents
from tests.support.reading_imports import run_command

LISTS, TABLES = "Takeout/Fitbit/Global Export Data", "Takeout/Fitbit/Physical Activity_GoogleData"
SLEEP = "Takeout/Fitbit/Health Fitness Data_GoogleData"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "takeout.zip"


def pulse(time: str, bpm: int) -> dict[str, Any]:
    return {"dateTime": time, "value": {"bpm": bpm, "confidence": 2}}


def test_lists_are_read_with_times_without_a_zone(path: Path) -> None:
    members = {
        f"{LISTS}/heart_rate-2024-01-15.json": json.dumps([pulse("01/15/24 08:30:00", 72)]),
        f"{LISTS}/steps-2024-01-02.json": json.dumps([{"dateTime": "01/02/24 05:01:00", "value": "3"}]),
        f"{LISTS}/distance-2024-01-02.json": json.dumps([{"dateTime": "01/02/24 05:01:00", "value": "410"}]),
        f"{LISTS}/resting_heart_rate-2024-01-01.json": json.dumps(
            [
                {"dateTime": "01/01/24 00:00:00", "value": {"date": "01/01/24", "value": 59.42, "error": 6.7}},
                {"dateTime": "01/02/24 00:00:00", "value": {"date": None, "value": 0.0, "error": 0.0}},
            ]
        ),
        f"{LISTS}/calories-2024-01-02.json": json.dumps([{"dateTime": "01/02/24 05:01:00", "value": "1.2"}]),
        "Takeout/Fitbit/Your Profile/Profile.csv": "id,full_name\n1,Anna\n",
    }
    content = read_files(make_zip(path, members))
    assert content.formats == ["fitbit_takeout"]
    assert sorted(content.select("metric", "start", "end", "value", "unit")) == [
        ("distance", "2024-01-02T05:01:00", "2024-01-02T05:02:00", "410", "cm"),
        ("heart_rate", "2024-01-15T08:30:00", None, "72", "/min"),
        ("resting_heart_rate", "2024-01-01T00:00:00", None, "59.42", "/min"),
        ("steps", "2024-01-02T05:01:00", "2024-01-02T05:02:00", "3", "{steps}"),
    ]
    assert content.left_out == {
        "energy including that at rest": 1,
        "other files": 1,
        "resting heart rate without a value": 1,
    }


def test_of_a_measurement_in_both_forms_the_absolute_time_is_read(path: Path) -> None:
    members = {
        f"{LISTS}/heart_rate-2024-01-15.json": json.dumps([pulse("01/15/24 08:30:00", 72)]),
        f"{LISTS}/heart_rate-2019-03-01.json": json.dumps([pulse("03/01/19 08:30:00", 65)]),
        f"{TABLES}/heart_rate_2024-01-15.csv": (
            "timestamp,beats per minute,data source\n2024-01-15T07:30:00Z,72.0,Pixel Watch\n"
        ),
    }
    content = read_files(make_zip(path, members))
    assert sorted(content.select("start", "value", "device")) == [
        ("2019-03-01T08:30:00", "65", "Fitbit"),
        ("2024-01-15T07:30:00Z", "72.0", "Pixel Watch"),
    ]
    assert content.left_out == {"files with the same heart rate again": 1}


def test_tables_are_recognized_by_their_headers(path: Path) -> None:
    members = {
        f"{TABLES}/steps_2024-01-01.csv": "timestamp,steps\n2024-01-15T07:30:00Z,12\n",
        f"{TABLES}/weight.csv": "timestamp,weight grams,data source\n2024-01-15T07:30:00Z,70500,Scale\n",
        f"{TABLES}/oxygen_saturation_2024-01-01.csv": (
            "timestamp,oxygen saturation percentage\n2024-01-15T02:30:00Z,96.5\n2024-01-15T02:31:00Z,50.0\n"
        ),
        f"{TABLES}/daily_resting_heart_rate.csv": (
            "timestamp,beats per minute\n2024-01-15T00:00:00Z,58.0\n2024-01-16T00:00:00Z,0\n"
        ),
        "Takeout/Fitbit/Heart Rate Variability/Heart Rate Variability Details - 2024-01-15.csv": (
            "timestamp,rmssd,coverage,low_frequency,high_frequency\n2024-01-15T02:30:00,41.5,0.9,1,2\n"
        ),
        "Takeout/Fitbit/Oxygen Saturation (SpO2)/Minute SpO2 - 2024-01-15.csv": (
            "timestamp,value\n2024-01-15T02:30:00Z,96.5\n"
        ),
    }
    content = read_files(make_zip(path, members))
    assert sorted(content.select("metric", "start", "value", "unit")) == [
        ("hrv_rmssd", "2024-01-15T02:30:00", "41.5", "ms"),
        ("oxygen_saturation", "2024-01-15T02:30:00Z", "96.5", "%"),
        ("resting_heart_rate", "2024-01-15T00:00:00", "58.0", "/min"),
        ("steps", "2024-01-15T07:30:00Z", "12", "{steps}"),
        ("weight", "2024-01-15T07:30:00Z", "70500", "g"),
    ]
    assert content.left_out == {
        "oxygen saturation without a value": 1,
        "resting heart rate without a value": 1,
        "files with the same oxygen saturation again": 1,
    }


def test_tables_of_sleep_have_the_offset_of_the_place(path: Path) -> None:
    members = {
        f"{SLEEP}/UserSleeps_2024-01-01.csv": (
            "sleep_id,sleep_type,start_utc_offset,sleep_start,end_utc_offset,sleep_end,data_source\n"
            "111,STAGES,+02:00,2024-01-14 20:30:00+0000,+02:00,2024-01-15 04:30:00+0000,X\n"
        ),
        f"{SLEEP}/UserSleepStages_2024-01-01.csv": (
            "sleep_id,sleep_stage_id,sleep_stage_type,start_utc_offset,sleep_stage_start,end_utc_offset,"
            "sleep_stage_end\n111,1,LIGHT,-03:30,2024-01-14T20:42:00Z,+02:00,2024-01-14 22:52:00.000+0000\n"
        ),
        f"{LISTS}/sleep-2024-01-01.json": json.dumps([night()]),
    }
    content = read_files(make_zip(path, members))
    assert sorted(content.episodes.select("episode", "start", "end", "stage").rows()) == [
        ("111", "2024-01-14T17:12:00-03:30", "2024-01-15T00:52:00+02:00", "light"),
        ("111", "2024-01-14T22:30:00+02:00", "2024-01-15T06:30:00+02:00", "in_bed"),
    ]
    assert content.left_out == {"files with the same sleep again": 1}


def test_a_single_list_is_read_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "steps-2024-01-02.json"
    path.write_text(json.dumps([{"dateTime": "01/02/24 05:01:00", "value": "3"}]))
    assert read_files(path).select("metric", "value") == [("steps", "3")]


FOLDER = "Takeout/Fitbit"
LIST = json.dumps([{"dateTime": "01/15/24 07:30:00", "value": "3"}])
TABLE = "timestamp,steps\n2024-01-15T07:30:00Z,3\n"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("takeout-20240115T083000Z-001.zip", "takeout-20240115T083000Z-002.zip"), (1, 1)),
        (("takeout-20240115T083000Z-1-001.zip", "takeout-20240115T083000Z-1-002 (1).zip"), (1, 1)),
        (("takeout-20240115T083000Z-001.zip", "takeout-20240116T083000Z-001.zip"), (2, 2)),
        (("P1.zip", "P2.zip"), (2, 2)),
    ],
)
def test_archives_into_which_an_export_was_divided_are_one(
    tmp_path: Path, names: tuple[str, str], expected: tuple[int, int]
) -> None:
    paths = [tmp_path / name for name in names]
    make_zip(paths[0], {f"{FOLDER}/Global Export Data/steps-2024-01-15.json": LIST})
    make_zip(paths[1], {f"{FOLDER}/Physical Activity_GoogleData/steps_2024-01-15.csv": TABLE})
    contents = Contents(FitbitTakeout(), *paths)
    assert (contents.recognized, len(contents.rows)) == expected
    assert contents.left_out.get("files with the same steps again", 0) == 2 - expected[0]


def test_archives_of_an_export_within_a_folder_of_a_patient_are_one(tmp_path: Path) -> None:
    inner = [tmp_path / f"takeout-20240115T083000Z-00{number}.zip" for number in (1, 2)]
    make_zip(inner[0], {f"{FOLDER}/Global Export Data/steps-2024-01-15.json": LIST})
    make_zip(inner[1], {f"{FOLDER}/Physical Activity_GoogleData/steps_2024-01-15.csv": TABLE})
    path = make_zip(tmp_path / "all.zip", {f"P1/{each.name}": each.read_bytes() for each in inner})
    contents = Contents(FitbitTakeout(), path)
    assert (contents.recognized, len(contents.rows)) == (1, 1)


def test_an_export_as_tgz_is_read(tmp_path: Path) -> None:
    path = tmp_path / "takeout-20240115T083000Z-001.tgz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo(f"{FOLDER}/Global Export Data/steps-2024-01-15.json")
        info.size = len(LIST)
        archive.addfile(info, io.BytesIO(LIST.encode()))
    assert read_files(path).select("metric", "value") == [("steps", "3")]


def test_of_a_list_that_is_cut_off_the_beginning_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sleep-2024-01-02.json"
    path.write_text(json.dumps([night(), night()])[:-200])
    content = read_files(path)
    assert set(content.episodes["line"]) == {1}
    assert [(error.line, "was cut off here" in error.reason) for error in content.errors] == [(2, True)]


def test_of_an_export_with_a_damaged_file_the_others_are_read(tmp_path: Path) -> None:
    steps = json.dumps([{"dateTime": "01/02/24 05:01:00", "value": "3"}])
    folder = "Takeout/Fitbit/Global Export Data"
    members = {f"{folder}/steps-2024-0{month}-02.json": steps for month in (1, 3, 5)}
    path = make_zip(tmp_path / "takeout.zip", members)
    data = path.read_bytes()
    place = data.index(b"2024-03-02.json") + len("2024-03-02.json") + 5
    path.write_bytes(data[:place] + b"?" + data[place + 1 :])
    content = read_files(path)
    assert len(content.rows) == 2
    assert "is damaged or was cut off" in content.errors[0].reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[{"dateTime": "01/02/24 05:01:00", "val', "damaged or was cut off here, at byte 1."),
        ('[{"dateTime": "01/02/24 05:01:00", "value": {"bpm": 3}}]', "not of the kind that the name of the file says"),
        ('[{"dateTime": "01/02/24 05:01:00"}, 7]', "not of the kind"),
    ],
)
def test_what_is_no_list_of_that_kind_is_reported(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "steps-2024-01-02.json"
    path.write_text(text)
    content = read_files(path)
    assert content.rows.is_empty()
    assert reason in content.errors[0].reason


@pytest.mark.django_db
class TestImport:
    @pytest.fixture(autouse=True)
    def _patients(self) -> None:
        factories.medical_record("P1", date_of_birth=date(1980, 1, 1))

    def test_nights_are_imported_with_their_stages(self, path: Path) -> None:
        make_zip(path, {f"{LISTS}/sleep-2024-01-01.json": json.dumps([night()])})
        found, errors = run_command(path, patient="P1", zone="Europe/Berlin")
        assert (errors, found["new_episodes"]) == ("", 1)
        stored = Episode.objects.get()
        assert stored.day == date(2024, 1, 15)
        assert stored.stages == [[0, "light"], [3600, "deep"], [8640, "awake"], [8700, "deep"]]

    def test_bad_entries_are_reported_with_their_position(self, path: Path) -> None:
        members = {
            f"{LISTS}/heart_rate-2024-01-15.json": json.dumps([pulse("13/15/24 08:30:00", 72)]),
            f"{TABLES}/steps_2024-01-01.csv": "timestamp,steps\n2024-01-15T07:30:00Z,x\n2024-01-15T07:31:00Z\n",
        }
        _, errors = run_command(make_zip(path, members), patient="P1", zone="UTC")
        assert "heart_rate-2024-01-15.json: Entry 1, start “2024-13-15T08:30:00”" in errors
        assert "steps_2024-01-01.csv: Line 2, value “x”: This is not a number" in errors
        assert "steps_2024-01-01.csv: Line 3 “2024-01-15T07:31:00Z”: Has 1 cells, but the header has 2." in errors
