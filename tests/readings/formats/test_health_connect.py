"""Health Connect: all tables with readings, hostile databases, and databases of others."""

import sqlite3
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.opening import open_files
from healthtrack.imports.row_errors import DamageError, FileError
from readings.formats.health_connect import HealthConnect
from tests.support.checked_rows import check_rows
from tests.support.health_connect_files import Export, make_export
from tests.support.parts import Contents

if TYPE_CHECKING:
    from readings.formats.batch import Batch

MORNING = "2024-03-05T08:00:00+01:00"


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return make_export(tmp_path / "health_connect_export.db")


def read(export: Export) -> Contents:
    return Contents(HealthConnect(), export.path)


@pytest.mark.parametrize(
    ("table", "values", "rows"),
    [
        ("blood_glucose_record_table", {"level": 5.5, "specimen_source": 1}, [("glucose", "5.5", "mmol/L")]),
        ("blood_glucose_record_table", {"level": 5.5, "specimen_source": 2}, [("blood_glucose", "5.5", "mmol/L")]),
        (
            "blood_pressure_record_table",
            {"systolic": 125.0, "diastolic": 68.5},
            [("systolic_pressure", "125.0", "mm[Hg]"), ("diastolic_pressure", "68.5", "mm[Hg]")],
        ),
        ("body_temperature_record_table", {"temperature": 36.6}, [("body_temperature", "36.6", "Cel")]),
        (
            "heart_rate_variability_rmssd_record_table",
            {"heart_rate_variability_millis": 40.9},
            [("hrv_rmssd", "40.9", "ms")],
        ),
        ("height_record_table", {"height": 1.67}, [("height", "1.67", "m")]),
        ("oxygen_saturation_record_table", {"percentage": 97.0}, [("oxygen_saturation", "97.0", "%")]),
        ("respiratory_rate_record_table", {"rate": 14.6}, [("respiratory_rate", "14.6", "/min")]),
        ("resting_heart_rate_record_table", {"beats_per_minute": 51}, [("resting_heart_rate", "51", "/min")]),
        ("weight_record_table", {"weight": 64000.0}, [("weight", "64000.0", "g")]),
    ],
)
def test_values_at_an_instant(
    export: Export, table: str, values: dict[str, Any], rows: list[tuple[str, str, str]]
) -> None:
    contents = read(export.add_instant(table, "2024-03-05T08:00:00.250+01:00", **values))
    assert contents.get("metric", "value", "unit") == rows
    assert contents.get("line", "start", "device", "model")[0] == (
        *(1, "2024-03-05T08:00:00.250+01:00"),
        *("Google Pixel Watch 2, com.fitbit.FitbitMobile", "Google Pixel Watch 2"),
    )


def test_amounts_in_an_interval(export: Export) -> None:
    end = "2024-03-05T08:05:00+01:00"
    export.add_interval("steps_record_table", MORNING, end, count=120)
    export.add_interval("distance_record_table", MORNING, end, -12600, distance=1.26)
    export.add_interval("active_calories_burned_record_table", MORNING, end, energy=749366.5)
    assert read(export).get("metric", "start", "end", "value", "unit") == [
        ("active_energy", "2024-03-05T08:00:00+01:00", "2024-03-05T08:05:00+01:00", "749366.5", "cal"),
        ("distance", "2024-03-05T03:30:00-03:30", "2024-03-05T03:35:00-03:30", "1.26", "m"),
        ("steps", "2024-03-05T08:00:00+01:00", "2024-03-05T08:05:00+01:00", "120", "{steps}"),
    ]


def test_heart_rates_have_the_time_of_the_series_and_the_offset_of_its_row(export: Export) -> None:
    export.add_interval("heart_rate_record_table", MORNING, "2024-03-05T08:01:00+01:00")
    series = [{"parent_key": 1, "beats_per_minute": 70 + n, "epoch_millis": 1709622000000 + n} for n in (0, 5000)]
    contents = read(export.add("heart_rate_record_series_table", series))
    assert contents.get("line", "metric", "start", "value", "unit") == [
        (1, "heart_rate", "2024-03-05T08:00:00+01:00", "70", "/min"),
        (1, "heart_rate", "2024-03-05T08:00:05+01:00", "5070", "/min"),
    ]


def test_nights_and_workouts_are_episodes(export: Export) -> None:
    for start in ("2024-03-04T23:00:00+01:00", "2024-03-05T23:00:00+01:00"):
        export.add_interval("sleep_session_record_table", start, start.replace("23", "23", 1)[:11] + "23:50:00+01:00")
    stages = [(1709589600000, 1709590000000, 4), (1709590000000, 1709590600000, 6), (1709590600000, 1709590700000, 0)]
    export.add(
        "sleep_stages_table",
        [{"parent_key": 1, "stage_start_time": a, "stage_end_time": b, "stage_type": c} for a, b, c in stages],
    )
    export.add_interval(
        "exercise_session_record_table", MORNING, "2024-03-05T09:00:00+01:00", exercise_type=33, notes="x"
    )
    contents = read(export)
    assert [(e["kind"], e["episode"], e["start"][5:19], e["end"][11:19], e["stage"]) for e in contents.episodes] == [
        ("workout", None, "03-05T08:00:00", "09:00:00", "running"),
        ("sleep", "1", "03-04T23:00:00", "23:06:40", "light"),
        ("sleep", "1", "03-04T23:06:40", "23:16:40", "rem"),
        ("sleep", "2", "03-05T23:00:00", "23:50:00", "asleep"),
    ]
    assert contents.left_out == {"notes": 1, "stages of sleep of unknown kind": 1}


def test_other_contents_are_counted(export: Export) -> None:
    export.add_instant("body_fat_record_table", MORNING, percentage=20.8)
    export.add_interval("SpeedRecordTable", MORNING, MORNING)
    export.add("preference_table", [{"key": "a", "value": "b"}])
    assert read(export).left_out == {"body fat": 1, "speed": 1}


@pytest.mark.parametrize(
    ("time", "offset", "start"),
    [
        (1709622000000, None, "2024-03-05T07:00:00-00:00"),
        (2**62, 3600, str(2**62)),
        (-(2**62), 3600, str(-(2**62))),
        (1709622000000, 999999, "1709622000000 offset 999999"),
        (1709622000000, 61, "1709622000000 offset 61"),
    ],
)
def test_times_that_do_not_exist_stay_as_they_are(export: Export, time: int, offset: int | None, start: str) -> None:
    assert read(export.add_instant("weight_record_table", time, offset, weight=1.0)).get("start") == [(start,)]


def test_numbers_of_single_precision_are_rounded(export: Export) -> None:
    export.add_interval("distance_record_table", MORNING, "2024-03-05T08:05:00+01:00", distance=10.4399995803833)
    assert read(export).get("value") == [("10.44",)]


def test_values_of_other_types_stay_as_they_are(export: Export) -> None:
    export.add_instant("weight_record_table", MORNING, weight="heavy").add(
        "weight_record_table", [{"time": "noon", "zone_offset": b"\xff", "weight": None, "device_info_id": "x"}]
    )
    assert read(export).get("line", "value", "start", "device") == [
        (1, "heavy", "2024-03-05T08:00:00+01:00", "Google Pixel Watch 2, com.fitbit.FitbitMobile"),
        (2, None, "noon offset \ufffd", None),
    ]


class TestHostileFiles:
    @pytest.mark.parametrize(
        ("statement", "kind"),
        [
            ("CREATE VIEW v AS SELECT 1", "a view named v"),
            ("CREATE TRIGGER t AFTER INSERT ON preference_table BEGIN SELECT 1; END", "a trigger named t"),
            ("CREATE VIRTUAL TABLE f USING fts5(a)", "a virtual table named f"),
        ],
    )
    def test_databases_that_could_run_something_are_refused(self, export: Export, statement: str, kind: str) -> None:
        export.run(statement)
        with pytest.raises(FileError, match=kind):
            read(export)

    def test_functions_in_columns_are_not_called(self, export: Export) -> None:
        export.add_instant("height_record_table", MORNING, height=1.6)
        export.run(
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET sql = replace(sql, 'AS (time + 1000 * zone_offset)', 'AS (load_extension(uuid))')"
            " WHERE name = 'weight_record_table'",
        )
        with pytest.raises(FileError, match="is damaged"):
            read(export)

    def test_a_query_that_does_not_end_is_stopped(self, export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("readings.formats.health_connect.database._STEPS_OF_A_BYTE", 0)
        export.run(
            "INSERT INTO weight_record_table (weight) WITH RECURSIVE n(i) AS"
            " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n"
        )
        assert "is damaged" in read(export).errors[0].reason

    def test_a_truncated_database_is_refused(self, export: Export) -> None:
        export.path.write_bytes(export.path.read_bytes()[:3000])
        with pytest.raises(FileError, match="is damaged"):
            read(export)

    def test_of_a_database_that_was_cut_off_the_beginning_is_read(self, export: Export) -> None:
        for number in range(600):
            time = f"2024-03-05T08:{number // 60:02}:{number % 60:02}+01:00"
            export.add_instant("weight_record_table", time, weight=7e4)
        whole = export.path.read_bytes()
        export.path.write_bytes(whole[: len(whole) * 2 // 3])
        with open_files([StoredFile(export.path.name, 0, export.path)]) as parts:
            batches: list[Batch] = []
            with pytest.raises(DamageError, match=f"cut off after {len(whole) * 2 // 3:,} bytes"):
                batches.extend(HealthConnect().read(parts[0]))
        rows = pl.concat([batch.rows for batch in batches])
        assert 50 < len(rows) < 600
        assert list(rows["line"]) == list(range(1, len(rows) + 1))
        errors = [(batch.part.name, error.line) for batch in batches for error in batch.errors if batch.part]
        assert errors == [("weight_record_table", len(rows))]

    def test_a_database_with_a_write_ahead_log_is_read(self, export: Export) -> None:
        export.run("PRAGMA journal_mode = WAL")
        assert len(read(export.add_instant("weight_record_table", MORNING, weight=1.0)).rows) == 1


def test_a_table_without_a_column_is_named(export: Export) -> None:
    export.run("ALTER TABLE weight_record_table RENAME COLUMN weight TO mass")
    with pytest.raises(FileError, match=r"The table weight_record_table of .* has no column weight"):
        read(export)


def test_a_database_of_others_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "garmin.db")
    connection.execute("CREATE TABLE steps (day, steps)")
    connection.commit()
    connection.close()
    with pytest.raises(FileError, match="none of Health Connect"):
        Contents(HealthConnect(), tmp_path / "garmin.db")


def test_the_archive_that_phones_write_is_read(export: Export, tmp_path: Path) -> None:
    export.add_instant("weight_record_table", MORNING, weight=64000.0)
    with zipfile.ZipFile(tmp_path / "Health Connect.zip", "w") as archive:
        archive.write(export.path, "health_connect_export.db")
    assert Contents(HealthConnect(), tmp_path / "Health Connect.zip").get("value") == [("64000.0",)]


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    export = make_export(tmp_path_factory.mktemp("export") / "1.db")
    export.add_instant("weight_record_table", MORNING, weight=64000.0)
    export.add_interval("heart_rate_record_table", MORNING, MORNING)
    export.add("heart_rate_record_series_table", [{"parent_key": 1, "beats_per_minute": 70, "epoch_millis": 1}])
    export.add_interval("sleep_session_record_table", MORNING, "2024-03-05T09:00:00+01:00")
    return export.path


@pytest.mark.usefixtures("_patient")
@given(changes=st.lists(st.tuples(st.integers(16, 2**16), st.integers(0, 255)), max_size=12), cut=st.integers(0, 5000))
def test_mutated_files_end_in_readings_or_errors(
    valid: Path, tmp_path: Path, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(valid.read_bytes())
    for place, value in changes:
        data[16 + place % (len(data) - 16)] = value
    path = tmp_path / "mutated.db"
    path.write_bytes(data[: len(data) - cut if cut % 3 == 0 else None])
    check_rows(path)
