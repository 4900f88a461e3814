"""Open mHealth and IEEE 1752.1: measures, time frames, sleep, activities, and the forms of files."""

import gzip
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.opening import open_files
from healthtrack.imports.row_errors import DamageError, FileError
from readings.formats.open_mhealth import OpenMHealth
from tests.support.checked_rows import check_rows
from tests.support.mutated_json import mutate
from tests.support.parts import Contents

INSTANT = {"effective_time_frame": {"date_time": "2024-03-05T08:00:00+01:00"}}
FROM, UNTIL = "2024-03-05T08:00:00+01:00", "2024-03-05T09:00:00+01:00"
HOUR = {"effective_time_frame": {"time_interval": {"start_date_time": FROM, "end_date_time": UNTIL}}}
READ = Callable[[Any], Contents]


def make_point(name: str, body: dict[str, Any], **header: Any) -> dict[str, Any]:
    """Return a data point."""
    return {
        "header": {"uuid": "u", "schema_id": {"namespace": "omh", "name": name, "version": "2.0"}, **header},
        "body": body,
    }


POINT = make_point("heart-rate", {"heart_rate": {"value": 72, "unit": "beats/min"}, **INSTANT})


@pytest.fixture
def read(tmp_path: Path) -> READ:
    def read_file(content: Any) -> Contents:
        path = tmp_path / "points.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return Contents(OpenMHealth(), path)

    return read_file


def value(number: float, unit: str) -> dict[str, Any]:
    return {"value": number, "unit": unit}


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ({"heart_rate": value(72.5, "beats/min")}, [("heart_rate", "72.5", "/min")]),
        ({"respiratory_rate": value(12, "breaths/min")}, [("respiratory_rate", "12", "/min")]),
        ({"body_weight": value(150, "lb")}, [("weight", "150", "[lb_av]")]),
        ({"body_height": value(180, "cm")}, [("height", "180", "cm")]),
        ({"body_mass_index": value(22.1, "kg/m^2")}, [("body_mass_index", "22.1", "kg/m2")]),
        ({"body_temperature": value(97, "F")}, [("body_temperature", "97", "[degF]")]),
        ({"oxygen_saturation": value(95, "%")}, [("oxygen_saturation", "95", "%")]),
        ({"blood_glucose": value(95, "mg/dL")}, [("blood_glucose", "95", "mg/dL")]),
        (
            {"blood_glucose": value(5.5, "mmol/L"), "specimen_source": "interstitial fluid"},
            [("glucose", "5.5", "mmol/L")],
        ),
        (
            {"systolic_blood_pressure": value(125, "mmHg"), "diastolic_blood_pressure": value(60, "mmHg")},
            [("systolic_pressure", "125", "mm[Hg]"), ("diastolic_pressure", "60", "mm[Hg]")],
        ),
        ({"body_weight": value(70.12345678901235, "kg")}, [("weight", "70.123456789012", "kg")]),
        ({"body_weight": value(1e-07, "kg")}, [("weight", "1e-07", "kg")]),
        ({"heart_rate": value(72, "bpm")}, [("heart_rate", "72", "bpm")]),
        ({"heart_rate": "fast"}, [("heart_rate", "fast", None)]),
        ({"heart_rate": {"value": [1], "unit": {}}}, [("heart_rate", "[…]", None)]),
    ],
)
def test_measures(read: READ, body: dict[str, Any], rows: list[tuple[str, str, str]]) -> None:
    contents = read([make_point("any", {**body, **INSTANT})])
    assert contents.get("metric", "value", "unit") == rows
    assert contents.get("line", "start", "end")[0] == (1, "2024-03-05T08:00:00+01:00", None)


class TestTimeFrames:
    @pytest.mark.parametrize(
        ("interval", "start", "end"),
        [
            ({"start_date_time": FROM, "end_date_time": UNTIL}, FROM, UNTIL),
            ({"start_date_time": FROM, "end_date_time": FROM}, FROM, None),
            ({"start_date_time": FROM, "duration": value(1, "h")}, FROM, UNTIL),
            ({"end_date_time": UNTIL, "duration": value(3600, "sec")}, FROM, UNTIL),
            ({"start_date_time": FROM, "duration": value(1, "Mo")}, FROM, None),
            ({"start_date_time": FROM, "duration": value(1e300, "h")}, FROM, None),
            ({"start_date_time": "noon", "duration": value(1, "h")}, "noon", None),
            ({"date": "2024-03-05", "part_of_day": "morning"}, "2024-03-05 morning", None),
            ({}, None, None),
        ],
    )
    def test_intervals(self, read: READ, interval: dict[str, Any], start: str | None, end: str | None) -> None:
        body = {"step_count": 6000, "effective_time_frame": {"time_interval": interval}}
        assert read(make_point("step-count", body)).get("metric", "start", "end", "value", "unit") == [
            ("steps", start, end, "6000", "{steps}")
        ]

    @pytest.mark.parametrize("frame", [None, 5, {}, {"time_interval": 5}])
    def test_a_missing_time_is_none(self, read: READ, frame: Any) -> None:
        body = {"heart_rate": value(72, "beats/min"), "effective_time_frame": frame}
        assert read([POINT, make_point("heart-rate", body)]).get("start")[1] == (None,)


class TestHeaders:
    def test_the_first_version_names_user_and_source(self, read: READ) -> None:
        point = {
            **POINT,
            "header": {**POINT["header"], "user_id": "P7", "acquisition_provenance": {"source_name": "Kit"}},
        }
        assert read(point).get("patient_id", "device") == [("P7", "Kit")]

    def test_ieee_names_a_data_sheet(self, read: READ) -> None:
        sheets = [{"datasheet_type": "manufacturer", "datasheet_reference": "https://example.org/watch"}]
        point = make_point("heart-rate", POINT["body"], external_datasheets=sheets)
        assert read(point).get("patient_id", "device") == [(None, "https://example.org/watch")]


class TestStatistics:
    def test_statistics_are_not_imported(self, read: READ) -> None:
        body = {**POINT["body"], "descriptive_statistic": "average"}
        contents = read(make_point("heart-rate", body))
        assert (contents.rows, contents.left_out) == ([], {"statistics of a period, such as averages": 1})

    def test_a_sum_is_an_amount(self, read: READ) -> None:
        body = {"step_count": value(100, "steps"), **HOUR, "descriptive_statistic": "sum"}
        assert read(make_point("step-count", body)).get("value") == [("100",)]


class TestSleepAndActivities:
    def test_durations_and_stages_of_sleep(self, read: READ) -> None:
        stages = [
            {"sleep_stage_state": "REM_sleep", "sleep_stage_time_frame": HOUR["effective_time_frame"]},
            {"sleep_stage_state": "Light_sleep", "sleep_stage_time_frame": {}},
            "no stage",
        ]
        contents = read(
            [
                make_point("sleep-duration", {"sleep_duration": value(7.5, "h"), **HOUR}),
                make_point("sleep-episode", {"total_sleep_time": value(50, "min"), **HOUR}),
                make_point("time-in-bed", {"time_in_bed": value(1, "h"), **HOUR}),
                make_point("sleep-stage-summary", {"sleep_stage_summary": {}, "sleep_stage_episodes": stages, **HOUR}),
            ]
        )
        assert contents.get("metric", "value", "unit") == [("sleep", "7.5", "h"), ("sleep", "50", "min")]
        assert [(each["kind"], each["episode"], each["start"], each["stage"]) for each in contents.episodes] == [
            *(("sleep", "2", FROM, "asleep"), ("sleep", "3", FROM, "in_bed")),
            *(("sleep", "4", FROM, "rem"), ("sleep", "4", None, "light"), ("sleep", "4", None, "unknown")),
        ]

    def test_activities_are_workouts_with_amounts(self, read: READ) -> None:
        body = {"activity_name": "walking", "distance": value(1.5, "mi"), "kcal_burned": value(160, "kcal"), **HOUR}
        contents = read(make_point("physical-activity", {**body, "base_movement_quantity": value(900, "steps")}))
        assert contents.get("metric", "value", "unit") == [
            *(("distance", "1.5", "[mi_i]"), ("active_energy", "160", "kcal"), ("steps", "900", "{steps}")),
        ]
        assert [(each["kind"], each["stage"]) for each in contents.episodes] == [("workout", "walking")]

    def test_the_summary_of_a_day_is_no_workout(self, read: READ) -> None:
        day = {"start_date_time": "2024-03-05T00:00:00Z", "duration": value(1, "d")}
        body = {"activity_name": "all", "effective_time_frame": {"time_interval": day}}
        assert read(make_point("physical-activity", body)).episodes == []


def test_other_contents_are_counted(read: READ) -> None:
    contents = read(
        [
            make_point("body-fat-percentage", {"body_fat_percentage": value(20, "%"), **INSTANT}),
            {"rr_interval": value(800, "ms"), **INSTANT},
            make_point("heart-rate", {**POINT["body"], "user_notes": "dizzy"}),
        ]
    )
    assert contents.left_out == {"body fat percentage": 1, "rr interval": 1, "notes": 1}


class TestFiles:
    LINE = json.dumps(POINT).encode()

    @pytest.mark.parametrize(
        "content",
        [
            b"[" + LINE + b",\n " + LINE + b"]\n",
            b"\xef\xbb\xbf" + json.dumps([POINT, POINT], indent=4).encode(),
            LINE + b"\n\n" + LINE,
            json.dumps({"shim": "kit", "timeStamp": 5, "body": [POINT, POINT]}, indent=1).encode(),
            json.dumps({"header": POINT["header"], "body": [POINT["body"]] * 2}).encode(),
        ],
    )
    def test_forms(self, read: READ, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        for size in (2**20, 300):
            monkeypatch.setattr("readings.formats.documents.BLOCK_BYTES", size)
            contents = read(content)
            assert (contents.get("value"), contents.errors) == ([("72",)] * 2, [])
        assert abs(contents.size - len(content)) <= 3

    def test_entries_of_long_arrays_are_numbered(self, read: READ, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("readings.formats.documents.BLOCK_BYTES", 1000)
        monkeypatch.setattr("readings.formats.open_mhealth.collecting._BATCH_ROWS", 7)
        assert read([POINT] * 50).get("line") == [(number,) for number in range(1, 51)]

    @pytest.mark.parametrize(
        ("content", "line", "value"),
        [
            (LINE + b"\n{cut off\n" + LINE, 2, ""),
            (json.dumps([POINT, {"other": 1}]).encode(), 2, "other"),
            (json.dumps([POINT, 5]).encode(), 2, "5"),
            (b"[" + LINE + b"," + b"[" * 1000 + b"]" * 1000 + b"]", 2, "[…]"),
            (json.dumps([POINT, {"header": {}, "body": [1]}]).encode(), 2, "header, body"),
        ],
    )
    def test_entries_that_are_no_data_points_are_errors(
        self, read: READ, content: bytes, line: int, value: str
    ) -> None:
        errors = read(content).errors
        assert [(error.line, error.value) for error in errors] == [(line, value)]

    @pytest.mark.parametrize("block", [2**20, 300])
    @pytest.mark.parametrize(
        ("content", "place"),
        [
            (b"\xef\xbb\xbf [" + LINE + b"," + LINE[:50], 5 + len(LINE)),
            (b"[" + LINE, 1 + len(LINE)),
            (b"[" + LINE + b"] and more", 1 + len(LINE)),
            (b"[" + LINE + LINE + b"]", 1 + len(LINE)),
        ],
    )
    def test_of_arrays_that_are_cut_off_the_beginning_is_read(
        self, read: READ, content: bytes, place: int, block: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("readings.formats.documents.BLOCK_BYTES", block)
        contents = read(content)
        assert contents.get("line", "value") == [(1, "72")]
        assert [error.line for error in contents.errors] == [2]
        assert f"cut off here, at byte {place:,}" in contents.errors[0].reason

    def test_a_damaged_entry_of_an_array_is_an_error_of_its_own(self, read: READ) -> None:
        line = self.LINE
        contents = read(
            b"[" + b",".join([line, line.replace(b"72", b"NaN"), line.replace(b"uuid", b"\xff"), line]) + b"]"
        )
        assert contents.get("line") == [(1,), (4,)]
        assert [(error.line, error.reason) for error in contents.errors] == [
            (2, "The entry is not JSON: it is damaged."),
            (3, "The entry is not JSON: it is damaged."),
        ]

    def test_a_document_that_is_cut_off_is_refused(self, read: READ) -> None:
        with pytest.raises(FileError, match="damaged or was cut off"):
            read(json.dumps(POINT, indent=1)[:-5].encode())

    def test_of_a_damaged_gzip_file_the_beginning_is_read(self, tmp_path: Path) -> None:
        points = [{**POINT, "body": {**POINT["body"], "other": sha256(b"%d" % n).hexdigest()}} for n in range(2000)]
        path = tmp_path / "points.json.gz"
        path.write_bytes(gzip.compress(json.dumps(points).encode())[:-5000])
        contents: list[Any] = []
        with (
            open_files([StoredFile(path.name, path.stat().st_size, path)]) as parts,
            pytest.raises(DamageError, match=r"cut off after \d{2,3},\d{3} bytes"),
        ):
            contents.extend(OpenMHealth().read(parts[0]))
        assert 100 < sum(len(batch.rows) for batch in contents) < 2000

    @pytest.mark.parametrize(
        ("name", "content"),
        [("array", b"[" + LINE * 9), ("line", LINE + b"\n" + b" " * 999), ("document", b"{\n" + LINE * 9)],
    )
    def test_documents_that_are_too_large_are_refused(
        self, read: READ, name: str, content: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("readings.formats.documents.BLOCK_BYTES", 300)
        monkeypatch.setattr("readings.formats.documents.MAX_DOCUMENT_BYTES", 500)
        with pytest.raises(FileError, match="of more than 64 MB"):
            read(content)

    def test_other_json_is_not_recognized(self, read: READ) -> None:
        assert read({"resourceType": "Patient", "id": "1"}).recognized == 0


@pytest.mark.usefixtures("_patient")
@given(data=st.data())
def test_mutated_files_end_in_readings_or_errors(tmp_path: Path, data: st.DataObject) -> None:
    points = [
        {**POINT, "header": {**POINT["header"], "user_id": "P7", "acquisition_provenance": {"source_name": "Kit"}}},
        make_point("sleep-stage-summary", {"sleep_stage_episodes": [{"sleep_stage_time_frame": HOUR}], **HOUR}),
        make_point("physical-activity", {"activity_name": "walking", "distance": value(1.5, "mi"), **HOUR}),
    ]
    text = json.dumps(mutate(points, data)).encode()
    path = tmp_path / "mutated.json"
    path.write_bytes(text[: len(text) - data.draw(st.integers(0, 3))])
    check_rows(path)
