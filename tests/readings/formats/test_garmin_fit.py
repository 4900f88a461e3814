"""Garmin FIT: all kinds of messages with readings, clocks, counters, and damaged files."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthtrack.imports.row_errors import FileError
from readings.formats.garmin_fit import MAX_BYTES, GarminFit
from tests.support.checked_rows import check_rows
from tests.support.fit_files import FitFile, begin, seconds
from tests.support.parts import Contents

MIDNIGHT = seconds("2024-03-05T06:00:00+00:00")  # in a zone six hours behind UTC
NOON = MIDNIGHT + 12 * 3600
WALKING, RUNNING, SEDENTARY = 6, 1, 8
READ = Callable[[FitFile | bytes], Contents]


@pytest.fixture
def read(tmp_path: Path) -> READ:
    def read_file(file: FitFile | bytes) -> Contents:
        path = tmp_path / "1.fit"
        path.write_bytes(file if isinstance(file, bytes) else file.make())
        return Contents(GarminFit(), path)

    return read_file


def begin_day(serial_number: int = 3333) -> FitFile:
    return begin(serial_number).add("monitoring_info", timestamp=MIDNIGHT, local_timestamp=MIDNIGHT - 6 * 3600)


class TestMeasurements:
    def test_heart_rate_of_a_workout_has_the_offset_that_its_last_record_states(self, read: READ) -> None:
        file = begin().add("record", timestamp=NOON, heart_rate=72, position_lat=5)
        file.add("record", timestamp=NOON + 1, heart_rate=0).add("record", timestamp=NOON + 2, heart_rate=255)
        file.add("activity", timestamp=NOON + 3, local_timestamp=NOON + 3 + 5400)
        contents = read(file)
        assert contents.get("line", "metric", "start", "end", "value", "unit") == [
            (2, "heart_rate", "2024-03-05T19:30:00+01:30", None, "72", "/min")
        ]
        assert contents.get("device", "serial_number", "model") == [("3333", "3333", "Garmin vivo fit")]
        assert contents.left_out == {"positions": 1, "records of a sensor without contact": 1}

    def test_an_instant_of_unknown_local_time_is_marked(self, read: READ) -> None:
        file = begin().add("record", timestamp=NOON, heart_rate=72)
        assert read(file).get("start") == [("2024-03-05T18:00:00-00:00",)]

    @pytest.mark.parametrize("local", [0, 7, NOON + 17 * 3600, NOON + 61])
    def test_an_offset_that_no_zone_has_is_none(self, read: READ, local: int) -> None:
        file = begin().add("record", timestamp=NOON, heart_rate=72)
        file.add("activity", timestamp=NOON, local_timestamp=local)
        assert read(file).get("start") == [("2024-03-05T18:00:00-00:00",)]

    @pytest.mark.parametrize(
        ("manufacturer", "start"), [(1, "2024-03-05T18:00:00+00:00"), (294, "2024-03-05T18:00:00-00:00")]
    )
    def test_only_garmin_is_trusted_to_be_in_utc(self, read: READ, manufacturer: int, start: str) -> None:
        file = FitFile().add("file_id", type=4, manufacturer=manufacturer).add("record", timestamp=NOON, heart_rate=72)
        assert read(file.add("activity", timestamp=NOON, local_timestamp=NOON)).get("start") == [(start,)]

    def test_all_measurements_have_metric_and_unit(self, read: READ) -> None:
        file = begin().add("weight_scale", timestamp=NOON, weight=7609, percent_fat=2510)
        file.add("weight_scale", timestamp=NOON, weight=0xFFFE)
        file.add("blood_pressure", timestamp=NOON, systolic_pressure=120, diastolic_pressure=80)
        file.add("respiration_rate", timestamp=NOON, respiration_rate=1450)
        file.add("respiration_rate", timestamp=NOON, respiration_rate=-100)
        file.add("spo2_data", timestamp=NOON, reading_spo2=97)
        file.add("hrv_value", timestamp=NOON, value=5445)
        file.add("monitoring_hr_data", timestamp=NOON, current_day_resting_heart_rate=51)
        file.add("stress_level", stress_level_value=30, stress_level_time=NOON)
        contents = read(file)
        assert contents.get("line", "metric", "value", "unit") == [
            (2, "weight", "76.09", "kg"),
            (4, "systolic_pressure", "120", "mm[Hg]"),
            (4, "diastolic_pressure", "80", "mm[Hg]"),
            (5, "respiratory_rate", "14.5", "/min"),
            (7, "oxygen_saturation", "97", "%"),
            (8, "hrv_rmssd", "42.5390625", "ms"),
            (9, "resting_heart_rate", "51", "/min"),
        ]
        assert contents.left_out == {
            "records with body fat, water, muscle or bone": 1,
            "records of a sensor without contact": 1,
            "stress levels": 1,
        }

    def test_workouts_and_stages_of_sleep_are_episodes(self, read: READ) -> None:
        file = begin().add("session", timestamp=NOON + 99, start_time=NOON, sport=1, total_elapsed_time=61_400)
        for level, minutes in ((2, 0), (3, 30), (0, 60), (4, 90), (1, 120)):
            file.add("sleep_level", timestamp=NOON + minutes * 60, sleep_level=level)
        contents = read(file)
        assert [
            (each["kind"], each["start"][11:19], each["end"][11:19], each["stage"]) for each in contents.episodes
        ] == [
            ("workout", "18:00:00", "18:01:01", "running"),
            ("sleep", "18:00:00", "18:30:00", "light"),
            ("sleep", "18:30:00", "19:00:00", "deep"),
            ("sleep", "19:30:00", "20:00:00", "rem"),
        ]
        assert contents.left_out == {
            "sleep that the device could not measure": 1,
            "last stages of sleep, without an end": 1,
        }

    def test_a_scale_with_several_people_names_their_records(self, read: READ) -> None:
        file = begin().add("weight_scale", timestamp=NOON, weight=7609, user_profile_index=0)
        file.add("weight_scale", timestamp=NOON, weight=6609, user_profile_index=1)
        contents = read(file)
        assert contents.rows == []
        assert [(error.line, error.value) for error in contents.errors] == [(2, "0"), (3, "1")]
        assert "several people" in contents.errors[0].reason

    def test_sensors_that_are_connected_to_a_watch_are_not_the_source(self, read: READ) -> None:
        file = FitFile().add("device_info", device_index=1, serial_number=7).add("device_info", serial_number=9)
        assert read(file.add("record", timestamp=NOON, heart_rate=72)).get("serial_number") == [("9",)]

    def test_fields_of_developers_are_ignored(self, read: READ) -> None:
        file = begin().add("developer_data_id", developer_data_index=0)
        file.define(1, "record", ["timestamp", "heart_rate"], developer=[(3, 2)])
        file.add_raw(struct.pack("<BIBH", 1, NOON, 72, 999))
        assert read(file).get("value") == [("72",)]


class TestClock:
    def test_times_of_16_bits_follow_the_last_full_time(self, read: READ) -> None:
        times = [MIDNIGHT, MIDNIGHT + 60, MIDNIGHT + 9 * 3600, MIDNIGHT + 24 * 3600]
        file = begin_day()
        for time in times:
            file.add("monitoring", timestamp_16=time & 0xFFFF, heart_rate=60)
        assert [start for (start,) in read(file).get("start")] == [
            *("2024-03-05T00:00:00-06:00", "2024-03-05T00:01:00-06:00"),
            *("2024-03-05T09:00:00-06:00", "2024-03-06T00:00:00-06:00"),
        ]

    def test_compressed_timestamps_roll_over(self, read: READ) -> None:
        file = begin().add("record", timestamp=NOON, heart_rate=70)
        file.define(1, "record", ["heart_rate"])
        for step in (1, 20, 33):
            file.add_raw(bytes([0x80 | 0x20 | ((NOON + step) & 0x1F), 70 + step]))
        assert [start[11:19] for (start,) in read(file).get("start")] == [
            *("18:00:00", "18:00:01", "18:00:20", "18:00:33")
        ]

    @pytest.mark.parametrize(
        ("values", "reason", "value"),
        [
            ({"timestamp": 16_441_241, "heart_rate": 60}, "clock of the device was not set", "16441241"),
            ({"timestamp_16": 100, "heart_rate": 60}, "no full time before it", "100"),
            ({"heart_rate": 60}, "has no time", ""),
        ],
    )
    def test_a_record_without_a_time_is_an_error(
        self, read: READ, values: dict[str, int], reason: str, value: str
    ) -> None:
        contents = read(begin().add("monitoring", **values))
        assert contents.rows == []
        assert (contents.errors[0].line, contents.errors[0].value) == (2, value)
        assert reason in contents.errors[0].reason

    def test_a_time_of_64_bits_is_an_error(self, read: READ) -> None:
        file = begin().add_raw(struct.pack("<3BHB6B", 0x40, 0, 0, 20, 2, 253, 8, 0x8F, 3, 1, 2))
        contents = read(file.add_raw(struct.pack("<BQB", 0, 2**62, 72)))
        assert (contents.rows, contents.errors[0].value) == ([], str(2**62))

    def test_a_time_of_16_bits_that_may_be_a_step_back_is_an_error(self, read: READ) -> None:
        contents = read(begin_day().add("monitoring", timestamp_16=(MIDNIGHT - 60) & 0xFFFF, heart_rate=60))
        assert "more than 17 hours after it" in contents.errors[0].reason


class TestCounters:
    def get(self, contents: Contents, metric: str = "steps") -> list[tuple[str, str, str]]:
        rows = contents.get("metric", "start", "end", "value")
        return [(start[11:16], end[11:16], value) for found, start, end, value in rows if found == metric]

    def test_differences_of_all_kinds_of_activity_do_not_overlap(self, read: READ) -> None:
        file = begin_day()
        for hour, kind, cycles in ((1, SEDENTARY, None), (2, WALKING, 100), (3, RUNNING, 50), (4, WALKING, 130)):
            values = {} if cycles is None else {"cycles": cycles}
            file.add("monitoring", timestamp=MIDNIGHT + hour * 3600, activity_type=kind, **values)
        file.add("monitoring", timestamp=MIDNIGHT + 4 * 3600, activity_type=RUNNING, cycles=55)
        contents = read(file)
        assert self.get(contents) == [("01:00", "02:00", "100"), ("02:00", "03:00", "50"), ("03:00", "04:00", "35")]

    def test_counters_go_back_to_0_at_the_local_midnight(self, read: READ) -> None:
        file = begin_day()
        for hour, cycles in ((23, 1000), (24, 1100), (25, 1200), (26, 20)):
            file.add("monitoring", timestamp=MIDNIGHT + hour * 3600, activity_type=WALKING, cycles=cycles)
        assert self.get(read(file)) == [
            *(("00:00", "23:00", "1000"), ("23:00", "00:00", "100")),
            *(("00:00", "01:00", "1200"), ("01:00", "02:00", "20")),
        ]

    def test_a_first_count_during_a_day_is_no_amount(self, read: READ) -> None:
        file = begin().add("monitoring_info", timestamp=NOON, local_timestamp=NOON - 6 * 3600)
        for minute, cycles in ((1, 5000), (2, 5010)):
            file.add("monitoring", timestamp=NOON + minute * 60, activity_type=WALKING, cycles=cycles)
        contents = read(file)
        assert self.get(contents) == [("12:01", "12:02", "10")]
        assert contents.left_out == {"first counts of a file that begins during a day": 1}

    def test_distance_and_energy_are_counted_by_themselves(self, read: READ) -> None:
        file = begin_day().add("monitoring", timestamp=NOON, activity_type=SEDENTARY)
        file.add("monitoring", timestamp=NOON + 60, activity_type=2, distance=12345, active_calories=7, cycles=9)
        contents = read(file)
        assert self.get(contents) == []
        assert self.get(contents, "distance") == [("00:00", "12:01", "123.45")]
        assert self.get(contents, "active_energy") == [("00:00", "12:01", "7")]
        assert contents.left_out == {"counts of movements that are not steps": 1}


class TestDamage:
    FILE = begin().add("record", timestamp=NOON, heart_rate=72)

    @pytest.mark.parametrize(
        ("data", "rows", "reason"),
        [
            (FILE.make()[:-5], 0, "was cut off after this record"),
            (FILE.make()[:-1], 1, "was cut off after this record"),
            (FILE.make() + FILE.make()[:-5], 1, "was cut off after this record"),
            (FILE.make(size=10_000), 1, "was cut off"),
            (FILE.make(size=0), 0, "checksum is wrong"),
            (FILE.make()[:-1] + b"\0", 0, "checksum is wrong"),
            (FILE.make()[:20] + b"\7" + FILE.make()[21:], 0, "damaged"),
            (begin().add_raw(b"\x05\x01\x02").make(), 0, "does not match its definition"),
            (FILE.make() + b"rest of another file", 1, "not a FIT file"),
        ],
    )
    def test_a_damaged_file_is_an_error_of_its_own(self, read: READ, data: bytes, rows: int, reason: str) -> None:
        contents = read(data)
        assert reason in contents.errors[0].reason
        assert len(contents.rows) == rows
        assert contents.size == len(data)

    def test_files_that_follow_each_other_are_all_read(self, read: READ) -> None:
        contents = read(begin(1).add("record", timestamp=NOON, heart_rate=72).make() + self.FILE.make())
        assert contents.get("line", "serial_number") == [(2, "1"), (4, "3333")]

    def test_of_an_archive_the_other_files_are_read(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            archive.writestr("a/1.fit", self.FILE.make()[:-5])
            archive.writestr("a/2.fit", self.FILE.make())
            archive.writestr("a/3.fit", "Index,Timestamp")
        contents = Contents(GarminFit(), tmp_path / "all.zip")
        assert (contents.recognized, len(contents.rows), len(contents.errors)) == (2, 1, 1)

    def test_a_file_that_is_too_large_is_refused(self, read: READ, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("readings.formats.garmin_fit.MAX_BYTES", 20)
        with pytest.raises(FileError, match="has more than 20"):
            read(self.FILE)
        assert MAX_BYTES > 20

    def test_a_file_with_too_many_records_is_an_error(self, read: READ, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("readings.formats.garmin_fit.messages.MAX_MESSAGES", 1)
        assert "more than 1 records" in read(self.FILE).errors[0].reason


@pytest.mark.usefixtures("_patient")
@given(st.lists(st.tuples(st.integers(12, 400), st.integers(0, 255)), max_size=6), st.integers(0, 40))
def test_mutated_files_end_in_readings_or_errors(tmp_path: Path, changes: list[tuple[int, int]], cut: int) -> None:
    file = begin_day().add("record", timestamp=NOON, heart_rate=72, position_lat=5)
    file.add("developer_data_id", developer_data_index=0)
    file.add("session", timestamp=NOON + 99, start_time=NOON, sport=1, total_elapsed_time=61_400)
    file.add("monitoring", timestamp_16=200, current_activity_type_intensity=WALKING, cycles=100)
    body = bytearray(file.body)
    for place, value in changes:
        body[place % len(body)] = value
    file.body = bytes(body[: len(body) - cut])
    path = tmp_path / "mutated.fit"
    path.write_bytes(file.make())
    check_rows(path)
