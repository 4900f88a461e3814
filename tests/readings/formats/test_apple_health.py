"""Apple Health: what is read of an export, what is not, and what is refused."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from healthtrack.imports.models import ImportRun
from readings.models import Episode, ReadingDay, ReadingStream
from tests.support import factories
from tests.support.apple_exports import BROKEN_DTD, export, record, sleep, workout
from tests.support.formats import Content, make_zip, read_files
from tests.support.reading_imports import run_command, undo

PULSE = record("HeartRate", "72", "count/min", "08:00:00")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "export.xml"


def read(path: Path, text: str) -> Content:
    path.write_text(text)
    content = read_files(path)
    assert content.formats == ["apple_health"]
    return content


def test_records_become_rows_with_metric_unit_time_and_source(path: Path) -> None:
    content = read(path, export(PULSE, record("StepCount", "120", "count", "08:00:00", "08:05:00")))
    assert content.select("line", "metric", "start", "end", "value", "unit") == [
        (1, "heart_rate", "2024-03-05T08:00:00+01:00", None, "72", "/min"),
        (2, "steps", "2024-03-05T08:00:00+01:00", "2024-03-05T08:05:00+01:00", "120", "{steps}"),
    ]
    assert set(content.select("device", "model")) == {("Watch of Anna (Watch2,4)", "Apple Watch Series 2")}


@pytest.mark.parametrize(
    ("kind", "value", "unit", "expected"),
    [
        ("RestingHeartRate", "58", "count/min", ("resting_heart_rate", "58", "/min")),
        ("HeartRateVariabilitySDNN", "41.5", "ms", ("hrv_sdnn", "41.5", "ms")),
        ("DistanceWalkingRunning", "0.25", "mi", ("distance", "0.25", "[mi_i]")),
        ("ActiveEnergyBurned", "48.74499999999999", "Cal", ("active_energy", "48.745", "kcal")),
        ("ActiveEnergyBurned", "9.99e-05", "kJ", ("active_energy", "0.0000999", "kJ")),
        ("OxygenSaturation", "0.97", "%", ("oxygen_saturation", "0.97", "1")),
        ("BodyMass", "11", "st", ("weight", "11", "[stone_av]")),
        ("Height", "5.9", "ft", ("height", "5.9", "[ft_i]")),
        ("BodyMassIndex", "22.5312", "count", ("body_mass_index", "22.5312", "kg/m2")),
        ("BloodGlucose", "5.5", "mmol&lt;180.1558800000541&gt;/L", ("blood_glucose", "5.5", "mmol/L")),
        ("BloodPressureSystolic", "120", "mmHg", ("systolic_pressure", "120", "mm[Hg]")),
        ("BodyTemperature", "98.6", "degF", ("body_temperature", "98.6", "[degF]")),
        ("RespiratoryRate", "14", "count/min", ("respiratory_rate", "14", "/min")),
        ("HeartRate", "72", "furlongs", ("heart_rate", "72", "furlongs")),
    ],
)
def test_units_are_those_of_the_record(
    path: Path, kind: str, value: str, unit: str, expected: tuple[str, str, str]
) -> None:
    assert read(path, export(record(kind, value, unit, "08:00:00"))).select("metric", "value", "unit") == [expected]


def test_the_address_of_a_device_in_memory_makes_no_other_source(path: Path) -> None:
    other = PULSE.replace("0x282a45810", "0x123").replace("08:00:00", "08:00:05")
    assert len(set(read(path, export(PULSE, other)).select("device"))) == 1


def test_an_interval_that_ends_in_its_first_second_is_one_of_a_second(path: Path) -> None:
    content = read(path, export(record("StepCount", "2", "count", "08:00:00", "08:00:00")))
    assert content.select("start", "end") == [("2024-03-05T08:00:00+01:00", "2024-03-05T08:00:01+01:00")]


def test_the_stated_time_zone_counts_more_than_the_offset_of_the_export(path: Path) -> None:
    zone = '<MetadataEntry key="HKTimeZone" value="America/New_York"/>'
    content = read(path, export(record("HeartRate", "72", "count/min", "08:00:00", inside=zone), PULSE))
    assert content.select("start", "proven") == [
        ("2024-03-05T02:00:00-05:00", True),
        ("2024-03-05T08:00:00+01:00", False),
    ]


def test_what_has_no_metric_is_counted(path: Path) -> None:
    route = '<WorkoutRoute sourceName="x"><Location date="x"/></WorkoutRoute>'
    content = read(
        path,
        export(
            record("DietaryWater", "200", "mL", "08:00:00"),
            '<Record type="made up by somebody" sourceName="x" startDate="x" endDate="x"/>',
            workout("Running", "09:00:00", "09:30:00", inside=route),
            '<ActivitySummary dateComponents="2024-03-05"/>',
        ),
    )
    assert content.left_out == {"Dietary water": 1, "other records": 1, "routes": 1, "activity summaries": 1}


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2024-03-05 8:00:00 AM +0100", "2024-03-05T08:00:00+01:00"),
        ("2024-03-05 12:00:00\u202fPM +0100", "2024-03-05T12:00:00+01:00"),
        ("2024-03-05 12:30:00 a.m. +0100", "2024-03-05T00:30:00+01:00"),
        ("2024-03-05 13:30:00 PM +0100", "2024-03-05 13:30:00 PM +0100"),
    ],
)
def test_times_of_phones_with_a_clock_of_12_hours(path: Path, written: str, read_as: str) -> None:
    text = export(PULSE, PULSE.replace("2024-03-05 08:00:00 +0100", written))
    assert read(path, text).select("start") == [("2024-03-05T08:00:00+01:00",), (read_as,)]


def test_the_records_of_a_correlation_count_once(path: Path) -> None:
    systolic = record("BloodPressureSystolic", "120", "mmHg", "08:00:00")
    correlation = f'<Correlation type="HKCorrelationTypeIdentifierBloodPressure">\n{systolic}\n</Correlation>'
    content = read(path, export(systolic, correlation))
    assert content.select("metric", "value") == [("systolic_pressure", "120")] * 2
    assert content.left_out == {}


@pytest.mark.parametrize(
    "text",
    [
        export(PULSE, dtd=BROKEN_DTD),
        export(PULSE, dtd=""),
        export(PULSE).replace("Watch of Anna", "Watch\x0b of&#x0b; Anna"),
        export(PULSE).replace("\n", ""),
        export(PULSE).replace('"', "'"),
        "\ufeff" + export(PULSE),
    ],
    ids=["broken definitions", "no definitions", "control characters", "one line", "single quotes", "byte order mark"],
)
def test_what_phones_and_programs_really_write_is_read(path: Path, text: str) -> None:
    content = read(path, text)
    assert content.errors == []
    assert content.select("metric", "value") == [("heart_rate", "72")]


class TestArchives:
    def test_the_names_in_an_archive_may_be_in_any_language(self, tmp_path: Path) -> None:
        members = {
            "apple_health_export/Exportieren.xml": export(PULSE, locale="de_DE"),
            "apple_health_export/export_cda.xml": '<?xml version="1.0"?><ClinicalDocument><broken>',
            "apple_health_export/workout-routes/route_2024.gpx": "<gpx/>",
            "apple_health_export/electrocardiograms/ecg_2024-03-05.csv": "Name,Anna\n",
            "apple_health_export/clinical-records/Observation-1.json": "{}",
        }
        content = read_files(make_zip(tmp_path / "export.zip", members))
        assert content.formats == ["apple_health"]
        assert content.select("value") == [("72",)]
        assert content.left_out == {
            "documents (CDA)": 1,
            "routes": 1,
            "electrocardiograms": 1,
            "clinical records": 1,
        }

    def test_a_path_out_of_the_archive_is_refused(self, tmp_path: Path) -> None:
        content = read_files(make_zip(tmp_path / "export.zip", {"../export.xml": export(PULSE)}))
        assert "leads out of it" in str(content.errors[0])


class TestBadFiles:
    def test_a_file_that_was_cut_off_is_read_up_to_there(self, path: Path) -> None:
        content = read(path, export(PULSE, PULSE)[:-100])
        assert content.select("value") == [("72",)]
        assert "it was cut off" in str(content.errors[-1])
        assert content.errors[-1].line == 2

    def test_a_line_that_is_no_xml_is_reported_and_the_next_one_is_read(self, path: Path) -> None:
        content = read(path, export(PULSE, "<Record type=1>", PULSE))
        assert content.select("line") == [(1,), (2,)]
        assert (content.errors[0].line, content.errors[0].value) == (2, "<Record type=1>")
        assert "This is not XML" in content.errors[0].reason

    def test_entities_are_never_expanded(self, path: Path) -> None:
        bomb = '<!DOCTYPE HealthData [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>\n'
        content = read(path, export(PULSE.replace("72", "&b;"), dtd=bomb))
        assert content.rows.is_empty()
        assert "undefined entity" in content.errors[0].reason

    def test_definitions_after_the_beginning_are_refused(self, path: Path) -> None:
        content = read(path, export("<!DOCTYPE b []>", PULSE))
        assert content.errors

    def test_elements_that_are_too_deep_are_refused(self, path: Path) -> None:
        assert "elements in each other" in str(read(path, export("<Record>\n" * 100)).errors[-1])

    def test_another_kind_of_xml_is_not_recognized(self, path: Path) -> None:
        path.write_text("<ClinicalDocument/>")
        assert read_files(path).formats == [""]


@pytest.mark.django_db
class TestImport:
    @pytest.fixture(autouse=True)
    def _patients(self) -> None:
        for number in ("P1", "P2"):
            factories.medical_record(number, date_of_birth=date(1980, 1, 1))

    def test_nights_and_workouts_are_imported_and_undone(self, path: Path) -> None:
        path.write_text(
            export(
                sleep("InBed", "2024-03-04 22:50:00", "2024-03-05 07:10:00"),
                sleep("AsleepCore", "2024-03-04 23:00:00", "2024-03-05 01:00:00"),
                sleep("AsleepDeep", "2024-03-05 01:00:00", "2024-03-05 02:00:00"),
                sleep("Awake", "2024-03-05 02:00:00", "2024-03-05 02:10:00"),
                sleep("AsleepREM", "2024-03-05 02:10:00", "2024-03-05 07:00:00"),
                workout("Running", "18:00:00", "18:30:00"),
            )
        )
        found, errors = run_command(path, patient="P1")
        assert (errors, found["new_episodes"], found["new"]) == ("", 2, 0)
        night, run = Episode.objects.order_by("starts_at")
        assert (night.day, night.starts_at) == (date(2024, 3, 5), datetime(2024, 3, 4, 21, 50, tzinfo=UTC))
        assert night.stages == [
            [0, "in_bed"],
            [600, "light"],
            [7800, "deep"],
            [11400, "awake"],
            [12000, "rem"],
            [29400, "in_bed"],
        ]
        assert (run.day, run.stages) == (date(2024, 3, 5), [[0, "running"]])
        assert run_command(path, patient="P1")[0]["unchanged_episodes"] == 2
        assert Episode.objects.count() == 4
        for each in ImportRun.objects.order_by("-pk"):
            undo(each)
        assert not Episode.objects.exists()
        assert not ReadingStream.objects.exists()

    def test_the_same_export_from_another_zone_changes_nothing(self, path: Path, tmp_path: Path) -> None:
        path.write_text(export(PULSE))
        other = tmp_path / "other.xml"
        other.write_text(export(record("HeartRate", "72", "count/min", "2024-03-05 02:00:00 -0500")))
        assert run_command(path, patient="P1")[0]["new"] == 1
        found, _ = run_command(other, patient="P1")
        assert (found["new"], found["changed"], found["unchanged"]) == (0, 0, 1)

    def test_archives_of_several_patients_are_read_by_their_folders(self, tmp_path: Path) -> None:
        inner = make_zip(tmp_path / "export.zip", {"apple_health_export/export.xml": export(PULSE)})
        members: dict[str, str | bytes] = {
            "P1/export.zip": inner.read_bytes(),
            "P2/apple_health_export/export.xml": export(PULSE),
        }
        found, errors = run_command(make_zip(tmp_path / "all.zip", members))
        assert (errors, found["new"]) == ("", 2)
        assert set(ReadingStream.objects.values_list("patient_id", flat=True)) == {"P1", "P2"}

    def test_bad_records_are_reported_with_their_number_and_value(self, path: Path) -> None:
        path.write_text(
            export(
                record("HeartRate", "72", "count/min", "2024-02-30 08:00:00"),
                record("HeartRate", "x", "count/min", "08:00:00"),
                record("HeartRate", "72", "furlongs", "08:00:00"),
                sleep("Dreaming", "2024-03-04 23:00:00", "2024-03-05 01:00:00"),
            )
        )
        _, errors = run_command(path, patient="P1")
        assert "Record 1, start “2024-02-30" in errors
        assert "Record 2, value “x”: This is not a number" in errors
        assert "Record 3, unit “furlongs”" in errors
        assert "Record 4, stage “HKCategoryValueSleepAnalysisDreaming”: There is no such stage of sleep." in errors
        assert not ReadingDay.objects.exists()
