"""FHIR R4: Observations with their patients and devices, series of samples, and other resources."""

import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readings.formats.fhir import Fhir
from readings.formats.registry import count_fit
from tests.support.checked_rows import check_rows
from tests.support.mutated_json import mutate
from tests.support.parts import Contents

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
INSTANT = "2024-03-05T08:00:00+01:00"
READ = Callable[..., Contents]


def make_code(code: str, system: str = LOINC) -> dict[str, Any]:
    return {"coding": [{"system": "http://snomed.info/sct", "code": "1"}, {"system": system, "code": code}]}


def quantity(value: Any, code: str | None = "/min") -> dict[str, Any]:
    return {"value": value, "unit": "any", "system": UCUM, **({"code": code} if code else {})}


def make_observation(code: str = "8867-4", **values: Any) -> dict[str, Any]:
    """Return an Observation of heart rate, or of something else."""
    found: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": make_code(code)}
    found |= {"subject": {"reference": "Patient/p1"}, "effectiveDateTime": INSTANT, "valueQuantity": quantity(72)}
    return {name: value for name, value in (found | values).items() if value is not None}


def make_patient(identity: str = "p1", number: str | None = "P1") -> dict[str, Any]:
    kind = {"coding": [{"code": "MR"}]}
    identifiers = {"identifier": [{"type": kind, "system": "urn:x", "value": number}]} if number else {}
    return {"resourceType": "Patient", "id": identity, **identifiers}


DEVICE = {
    "resourceType": "Device",
    "id": "d1",
    "manufacturer": "Google",
    "serialNumber": "SN1",
    "deviceName": [{"name": "My watch", "type": "user-friendly-name"}, {"name": "Pixel Watch 2", "type": "model-name"}],
}
USE = {
    "resourceType": "DeviceUseStatement",
    "status": "active",
    "subject": {"reference": "Patient/p1"},
    "device": {"reference": "Device/d1"},
    "timingPeriod": {"start": "2024-01-01", "end": INSTANT},
}


def as_lines(resources: Sequence[Any]) -> str:
    return "".join(f"{json.dumps(each)}\n" for each in resources)


@pytest.fixture
def read(tmp_path: Path) -> READ:
    def read_resources(*resources: Any) -> Contents:
        path = tmp_path / "all.ndjson"
        path.write_text(as_lines(resources))
        return Contents(Fhir(), path)

    return read_resources


class TestValues:
    @pytest.mark.parametrize(
        ("code", "value", "row"),
        [
            ("8867-4", quantity(72.5), ("heart_rate", "72.5", "/min")),
            ("105272-9", quantity(5.5, "mmol/L"), ("glucose", "5.5", "mmol/L")),
            ("15074-8", quantity(5, "mmol/L"), ("blood_glucose", "5", "mmol/L")),
            ("3141-9", quantity(70, "kg"), ("weight", "70", "kg")),
            ("2708-6", quantity(97, "%"), ("oxygen_saturation", "97", "%")),
            ("8310-5", quantity(36.6, "Cel"), ("body_temperature", "36.6", "Cel")),
            ("8867-4", quantity(72, None), ("heart_rate", "72", "any")),
            ("8867-4", {"value": "fast"}, ("heart_rate", "fast", None)),
            ("8867-4", quantity(72, "{Beats}/min"), ("heart_rate", "72", "{beats}/min")),
            ("8867-4", {"value": 72, "unit": " BPM"}, ("heart_rate", "72", "/min")),
            ("8480-6", {"value": 120, "unit": "mmHg"}, ("systolic_pressure", "120", "mm[Hg]")),
            ("8310-5", {"value": 98.6, "unit": "°F"}, ("body_temperature", "98.6", "[degF]")),
            ("29463-7", {"value": 150, "unit": "lbs"}, ("weight", "150", "[lb_av]")),
        ],
    )
    def test_quantities(self, read: READ, code: str, value: Any, row: tuple[str, str, str]) -> None:
        contents = read(make_observation(code, valueQuantity=value))
        assert contents.get("line", "metric", "value", "unit", "start", "end") == [(1, *row, INSTANT, None)]

    @pytest.mark.parametrize("system", ["https://loinc.org", "urn:oid:2.16.840.1.113883.6.1"])
    def test_loinc_has_several_names(self, read: READ, system: str) -> None:
        observation = {**make_observation(), "code": make_code("8867-4", system)}
        assert read(observation).get("metric") == [("heart_rate",)]

    def test_of_a_value_for_a_day_the_date_is_enough(self, read: READ) -> None:
        steps = make_observation("41950-7", effectiveDateTime="2024-03-05", valueQuantity=quantity(9000, "{steps}/d"))
        weight = make_observation("29463-7", effectiveDateTime="2024-03-05", valueQuantity=quantity(70, "kg"))
        assert read(steps, weight).get("start") == [("2024-03-05T00:00:00",), ("2024-03-05",)]

    def test_components_are_readings_of_one_instant(self, read: READ) -> None:
        component = [
            {"code": make_code("8480-6"), "valueQuantity": quantity(125, "mm[Hg]")},
            {"code": make_code("8462-4"), "valueQuantity": quantity(60, "mm[Hg]")},
            {"code": make_code("8478-0"), "valueQuantity": quantity(80, "mm[Hg]")},
        ]
        contents = read(make_observation("85354-9", valueQuantity=None, component=component))
        assert contents.get("metric", "value") == [("systolic_pressure", "125"), ("diastolic_pressure", "60")]

    def test_whole_numbers_have_no_unit(self, read: READ) -> None:
        assert read(make_observation(valueQuantity=None, valueInteger=5)).get("value", "unit") == [("5", None)]

    @pytest.mark.parametrize(
        ("values", "path", "value"),
        [
            ({"valueQuantity": {**quantity(40), "comparator": "<"}}, "valueQuantity.comparator", "<40"),
            ({"valueQuantity": None, "valueString": "normal"}, "valueString", "normal"),
        ],
    )
    def test_values_that_are_no_numbers_are_errors(
        self, read: READ, values: dict[str, Any], path: str, value: str
    ) -> None:
        contents = read(make_observation(), make_observation(**values))
        assert [(error.line, error.column, error.value) for error in contents.errors] == [(2, path, value)]

    @pytest.mark.parametrize(
        ("values", "start", "end"),
        [
            (
                {"effectivePeriod": {"start": INSTANT, "end": "2024-03-05T09:00:00+01:00"}},
                INSTANT,
                "2024-03-05T09:00:00+01:00",
            ),
            ({"effectivePeriod": {"start": INSTANT, "end": INSTANT}}, INSTANT, None),
            ({"effectiveInstant": INSTANT}, INSTANT, None),
            ({"effectiveDateTime": "2024-03"}, "2024-03", None),
            ({}, None, None),
        ],
    )
    def test_times(self, read: READ, values: dict[str, Any], start: str | None, end: str | None) -> None:
        observation = make_observation(**{"effectiveDateTime": None, **values})
        assert read(observation).get("start", "end") == [(start, end)]


class TestSamples:
    SERIES = {"origin": quantity(20), "period": 5000, "factor": 0.5, "dimensions": 1, "data": "100 E 101.5"}

    def series(self, code: str = "8867-4", **values: Any) -> dict[str, Any]:
        return make_observation(code, valueQuantity=None, valueSampledData={**self.SERIES, **values})

    def test_each_sample_is_a_reading(self, read: READ) -> None:
        contents = read(self.series())
        assert contents.get("start", "end", "value", "unit") == [
            ("2024-03-05T08:00:00+01:00", None, "70.0", "/min"),
            ("2024-03-05T08:00:10+01:00", None, "70.75", "/min"),
        ]
        assert contents.left_out == {"samples without a value": 1}

    def test_amounts_last_until_the_next_sample(self, read: READ) -> None:
        contents = read(self.series("55423-8", origin=quantity(0, "{steps}"), factor=None, data="10"))
        assert contents.errors[0].column == "valueSampledData.factor"
        series = self.series("55423-8", origin=quantity(0, "{steps}"), factor=1, data="10 0")
        assert read(series).get("start", "end", "value") == [
            ("2024-03-05T08:00:00+01:00", "2024-03-05T08:00:05+01:00", "10"),
            ("2024-03-05T08:00:05+01:00", "2024-03-05T08:00:10+01:00", "0"),
        ]

    def test_values_beyond_the_limits_are_one_step_beyond_them(self, read: READ) -> None:
        series = self.series(origin=quantity(0), factor=1, lowerLimit=40, upperLimit=400, data="L U")
        assert read(series).get("value") == [("39",), ("401",)]
        assert read(self.series(data="L x 1_0")).get("value") == [("L",), ("x",), ("1_0",)]

    @pytest.mark.parametrize(
        ("values", "column"),
        [
            ({"period": None}, "valueSampledData.period"),
            ({"period": True}, "valueSampledData.period"),
            ({"period": 1e300}, "valueSampledData.period"),
            ({"period": 1e18}, "valueSampledData.period"),
            ({"origin": {"value": "x"}}, "valueSampledData.value"),
            ({"dimensions": 2}, "valueSampledData.dimensions"),
        ],
    )
    def test_a_series_that_cannot_be_read_is_an_error(self, read: READ, values: dict[str, Any], column: str) -> None:
        contents = read(self.series(**values))
        assert (contents.rows[1:], contents.errors[0].column) == ([], column)

    def test_a_series_needs_a_time(self, read: READ) -> None:
        assert read({**self.series(), "effectiveDateTime": "2024"}).rows == []
        assert read({**self.series(), "effectiveDateTime": "x"}).errors[0].value == "x"

    def test_a_series_that_is_too_long_is_an_error(self, read: READ, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("readings.formats.fhir.values.MAX_SAMPLES", 2)
        assert "More than 2 samples" in read(self.series()).errors[0].reason


class TestPatients:
    @pytest.mark.parametrize(
        ("subject", "number"),
        [
            ({"reference": "Patient/p1"}, "P1"),
            ({"reference": "https://example.org/fhir/Patient/p1"}, "P1"),
            ({"identifier": {"system": "urn:x", "value": "P1"}}, "P1"),
            ({"reference": "Patient?identifier=urn:x|P1"}, "P1"),
            ({"reference": "Patient/p2"}, "p2"),
            ({"reference": "https://example.org/fhir/Patient/p2"}, "p2"),
            ({"identifier": {"system": "urn:x", "value": "P9"}}, "P9"),
            ({"reference": "urn:uuid:abc"}, "abc"),
            ({}, None),
        ],
    )
    def test_the_number_is_that_of_the_record(self, read: READ, subject: dict[str, Any], number: str | None) -> None:
        assert read(make_observation(subject=subject), make_patient()).get("patient_id") == [(number,)]

    def test_a_patient_without_a_number_is_an_error(self, read: READ) -> None:
        two = [{"type": {"coding": [{"code": "MR"}]}, "value": value} for value in ("1", "2")]
        contents = read(make_observation(), {"resourceType": "Patient", "id": "p1", "identifier": two})
        assert [(error.line, error.value) for error in contents.errors] == [(1, "Patient/p1")]

    def test_within_a_bundle_others_are_meant(self, tmp_path: Path) -> None:
        for number in ("P1", "P2"):
            entries = [
                {"fullUrl": "urn:uuid:1", "resource": make_patient("x", number)},
                {"fullUrl": "urn:uuid:2", "resource": {**DEVICE, "serialNumber": f"of {number}"}},
                {"resource": make_observation(subject={"reference": "urn:uuid:1"}, device={"reference": "urn:uuid:2"})},
            ]
            bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
            (tmp_path / f"{number}.json").write_text(json.dumps(bundle))
        contents = Contents(Fhir(), tmp_path / "P1.json", tmp_path / "P2.json")
        assert contents.get("line", "patient_id", "serial_number") == [(3, "P1", "of P1"), (3, "P2", "of P2")]


class TestDevices:
    @pytest.mark.parametrize("reference", ["Device/d1", "https://example.org/fhir/Device/d1", "DeviceMetric/m1"])
    def test_devices_are_found_in_other_files(self, tmp_path: Path, reference: str) -> None:
        metric = {"resourceType": "DeviceMetric", "id": "m1", "source": {"reference": "Device/d1"}}
        use = {"resourceType": "DeviceUseStatement", "status": "intended", "device": {"reference": "Device/d1"}}
        (tmp_path / "a.ndjson").write_text(as_lines([make_observation(device={"reference": reference})]))
        (tmp_path / "b.ndjson").write_text(as_lines([DEVICE, {**DEVICE, "id": "d2"}, metric, use]))
        contents = Contents(Fhir(), tmp_path / "a.ndjson", tmp_path / "b.ndjson")
        assert contents.get("device", "serial_number", "model") == [("SN1", "SN1", "Google Pixel Watch 2")]
        assert contents.left_out == {
            "devices without readings": 1,
            "uses of devices with the status intended": 1,
        }

    @pytest.mark.parametrize(
        ("device", "row"),
        [
            ({"reference": "#in"}, ("N5", "N5", None)),
            ({"reference": "#out"}, (None, None, None)),
            ({"reference": "Device/d9", "display": "A watch"}, ("A watch", None, None)),
            ({"reference": "Device/d9"}, ("Device/d9", None, None)),
        ],
    )
    def test_other_references(self, read: READ, device: dict[str, Any], row: tuple[str | None, ...]) -> None:
        contained = [{"resourceType": "Device", "id": "in", "serialNumber": "N5"}]
        contents = read(make_observation(device=device, contained=contained))
        assert contents.get("device", "serial_number", "model") == [row]

    def test_a_device_without_a_serial_number_has_a_name(self, read: READ) -> None:
        device = {"resourceType": "Device", "id": "d1", "modelNumber": "M1"}
        observation = make_observation(device={"reference": "Device/d1"})
        assert read(observation, device).get("device", "model") == [("M1", "M1")]
        assert read(observation, {**device, "identifier": [{"value": "K"}]}).get("device") == [("K",)]


def test_other_contents_are_counted(read: READ) -> None:
    contents = read(
        make_observation("1-8"),
        make_observation(status="entered-in-error"),
        make_observation(subject={"reference": "Group/1"}),
        make_observation(valueQuantity=None, dataAbsentReason={"text": "lost"}),
        make_observation(note=[{"text": "dizzy"}]),
        make_patient(),
        {"resourceType": "Immunization"},
    )
    assert contents.left_out == {
        "observations of other kinds": 1,
        "observations with the status entered-in-error": 1,
        "observations about something else than a patient": 1,
        "observations without a value": 1,
        "notes": 1,
        "Patient, for the import of medical records": 1,
        "Immunization": 1,
    }


class TestFiles:
    def test_of_an_archive_the_files_that_are_whole_are_read(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            archive.writestr("1.ndjson", as_lines([make_observation()]) + as_lines([make_observation()])[:50])
            archive.writestr("2.ndjson", as_lines([make_observation()]))
            archive.writestr("3.json", json.dumps({"any": 1}))
        contents = Contents(Fhir(), tmp_path / "all.zip")
        assert (contents.recognized, len(contents.rows), len(contents.errors)) == (1, 2, 1)
        assert "damaged or was cut off" in contents.errors[0].reason

    def test_lines_that_are_damaged_are_errors_and_the_others_are_read(self, tmp_path: Path) -> None:
        path = tmp_path / "all.ndjson"
        line = as_lines([make_observation()])
        path.write_text(line + '{"resourceType":\n' + "{}\n" + line + line[:50])
        contents = Contents(Fhir(), path)
        assert contents.get("line") == [(1,), (4,)]
        assert [error.line for error in contents.errors] == [2, 3, 5]

    def test_of_a_bundle_that_was_cut_off_the_beginning_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "all.json"
        entries = [{"resource": make_observation()}] * 3
        path.write_text(json.dumps({"resourceType": "Bundle", "entry": entries})[:-50])
        contents = Contents(Fhir(), path)
        assert contents.get("line") == [(1,), (2,)]
        assert [(error.line, "was cut off here" in error.reason) for error in contents.errors] == [(3, True)]

    def test_batches_are_bounded(self, read: READ, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("readings.formats.fhir.contents._BATCH_ROWS", 7)
        assert len(read(*[make_observation()] * 20).rows) == 20

    @pytest.mark.parametrize(
        ("resources", "fit"),
        [([make_observation()], 1000), ([DEVICE], 1000), ([make_patient(), make_observation()], 1)],
    )
    def test_files_with_patients_are_rather_those_of_records(
        self, tmp_path: Path, resources: list[Any], fit: int
    ) -> None:
        (tmp_path / "all.ndjson").write_text(as_lines(resources))
        assert count_fit(tmp_path / "all.ndjson") == fit


@pytest.mark.usefixtures("_patient")
@given(data=st.data())
def test_mutated_files_end_in_readings_or_errors(tmp_path: Path, data: st.DataObject) -> None:
    resources = [
        make_observation(device={"reference": "Device/d1"}),
        TestSamples().series(),
        make_observation("85354-9", component=[{"code": make_code("8480-6"), "valueQuantity": quantity(125)}]),
        make_patient(),
        DEVICE,
        USE,
    ]
    path = tmp_path / "mutated.ndjson"
    path.write_text(as_lines(mutate(resources, data)))
    check_rows(path)
