"""Exports of records as FHIR, and what an import of them says."""

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from healthtrack.audit.models import Access
from healthtrack.core.cleaning import NO_VALUE, SHORTENED_NUMBER, clean_text
from healthtrack.core.downloads.formula_escaping import ERROR, FORMULA
from healthtrack.imports.life_cycle.import_at_once import import_at_once
from healthtrack.imports.tabular import preview_queries
from patients.fhir.exporting import FhirBundle, FhirNdjson, stream
from patients.fhir.writing import Record, make_id
from patients.models import MedicalRecord
from readings.formats.fhir.codes import OWN
from readings.models import Device, DeviceAssignment, Metric
from tests.support import factories
from tests.support.finished_imports import Imported
from tests.support.page import Page
from tests.support.readings import Reading, finish_run, make_readings, streams, write_run
from tests.support.signing_in import SignIn

pytestmark = pytest.mark.django_db

LIST = "/admin/patients/medicalrecord/"
EXPORT = f"{LIST}export/"
PERMISSIONS = ("patients.view_medicalrecord", "patients.export_medicalrecord")
FORMATS = {"json": FhirBundle, "ndjson": FhirNdjson}


@pytest.fixture
def exporter(sign_in: SignIn) -> Client:
    return sign_in(*PERMISSIONS, "readings.view_device")


def read(answer: Any) -> list[dict[str, Any]]:
    content = b"".join(answer.streaming_content)
    if answer["Content-Type"] == "application/fhir+json":
        return [entry["resource"] for entry in json.loads(content)["entry"]]
    return [json.loads(line) for line in content.splitlines()]


def export(client: Client, ending: str, query: str = "") -> list[dict[str, Any]]:
    place = {"json": "2", "ndjson": "3"}[ending]
    return read(client.post(f"{EXPORT}{query}", {"format": place, "resource": ""}))


def test_the_export_page_offers_fhir(exporter: Client) -> None:
    text = Page.get(exporter, EXPORT).text
    assert "CSV XLSX FHIR R4, Bundle FHIR R4, NDJSON" in text


def test_readings_are_written_on_request_and_importing_them_changes_nothing(sign_in: SignIn, tmp_path: Path) -> None:
    factories.medical_record("P1", date_of_birth=date(1980, 1, 1))
    readings = [*make_readings(), Reading(1, 1_741_400_000_500_000, 61), Reading(1, 1_741_400_007_000_000, 62)]
    write_run(1, [readings], streams())
    finish_run(1)
    client = sign_in(*PERMISSIONS, "readings.view_readingday")
    assert "FHIR R4, NDJSON with readings" in Page.get(client, EXPORT).text
    path = tmp_path / "all.ndjson"
    answer: Any = client.post(EXPORT, {"format": "4", "resource": ""})
    path.write_bytes(b"".join(answer.streaming_content))
    kinds = Counter(json.loads(line)["resourceType"] for line in path.read_text().splitlines())
    assert kinds["Patient"] == 1
    assert 3 < kinds["Observation"] < len(readings)
    run = import_at_once("readings.reading", [path])
    assert (run.result["new"], run.result["changed"], run.invalid_count) == (0, 0, 0)
    assert run.result["unchanged"] == len(readings)
    assert "with readings" not in Page.get(sign_in(*PERMISSIONS), EXPORT).text


def test_metrics_without_a_code_of_loinc_have_codes_of_our_own(sign_in: SignIn, tmp_path: Path) -> None:
    factories.medical_record("P1", date_of_birth=date(1980, 1, 1))
    metrics = Metric.objects.exclude(code__in=["sleep", "workout"]).values_list(
        "code", "unit", "kind", "lowest", "highest"
    )
    rows = ["patient_id,metric,start,end,value,unit"]
    for code, unit, kind, lowest, highest in metrics:
        value = round((lowest + highest) / 2)
        end = "2024-03-05T08:30:00+01:00" if kind == "interval" else ""
        rows.append(f"P1,{code},2024-03-05T08:00:00+01:00,{end},{value},{unit}")
    path = tmp_path / "own.csv"
    path.write_text("\n".join([*rows, ""]))
    assert import_at_once("readings.reading", [path]).result["new"] == len(rows) - 1
    answer: Any = sign_in(*PERMISSIONS, "readings.view_readingday").post(EXPORT, {"format": "4", "resource": ""})
    observations = [each for each in read(answer) if each["resourceType"] == "Observation"]
    codings = {each["code"]["text"]: each["code"]["coding"][0] for each in observations}
    assert len(codings) == len(rows) - 1
    assert codings["hrv_rmssd"] == {"system": OWN, "code": "hrv_rmssd", "display": "Heart rate variability (RMSSD)"}
    assert codings["heart_rate"] == {"system": "http://loinc.org", "code": "8867-4"}
    path = tmp_path / "all.ndjson"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in observations))
    # Patients are not in the file, so their numbers are only those of the resources.
    path.write_text(path.read_text().replace(make_id("Patient", "P1"), "P1"))
    run = import_at_once("readings.reading", [path])
    assert [run.result[name] for name in ("new", "changed", "unchanged")] == [0, 0, len(rows) - 1]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_record_becomes_resources(exporter: Client, ending: str) -> None:
    factories.medical_record(
        "17/é",
        medical_conditions="Asthma,  Gout",
        allergies="Nuts",
        medications=True,
        gender="O",
        last_appointment_date=date(2024, 6, 14),
    )
    resources = export(exporter, ending)
    assert [each["resourceType"] for each in resources] == [
        *("Patient", "Condition", "Condition", "AllergyIntolerance", "MedicationStatement", "Encounter")
    ]
    patient, condition, *_, encounter = resources
    assert patient["identifier"][0]["value"] == "17/é"
    assert (patient["name"][0]["text"], patient["gender"], patient["birthDate"]) == ("Ada Byron", "other", "1980-05-17")
    assert condition["code"] == {"text": "Asthma"}
    assert condition["subject"]["reference"].endswith(patient["id"])
    assert encounter["period"] == {"start": "2024-06-14", "end": "2024-06-14"}


def test_devices_and_assignments_follow_their_patient(exporter: Client) -> None:
    device = Device.objects.create(serial_number="SN-1", label="Left wrist", model=factories.tracker_model())
    for number, start, end in (("P1", date(2024, 1, 1), date(2024, 2, 1)), ("P2", date(2024, 2, 1), None)):
        record = factories.medical_record(number)
        DeviceAssignment.objects.create(device=device, patient=record, worn_from=start, worn_until=end)
    resources = export(exporter, "ndjson")
    assert [each["resourceType"] for each in resources] == [
        *("Patient", "Device", "DeviceUseStatement", "Patient", "DeviceUseStatement")
    ]
    assert (resources[1]["serialNumber"], resources[1]["manufacturer"]) == ("SN-1", "Xiaomi")
    assert resources[2]["timingPeriod"] == {"start": "2024-01-01", "end": "2024-01-31"}
    assert resources[4]["timingPeriod"] == {"start": "2024-02-01"}


@pytest.mark.parametrize("ending", FORMATS)
def test_importing_the_assignments_of_an_export_changes_nothing(exporter: Client, ending: str, tmp_path: Path) -> None:
    for place, names in enumerate([{"serial_number": "SN-1"}, {"maker_key": "K-1"}]):
        device = Device.objects.create(**names)
        for number, start, end in (("P1", date(2024, 1, 1), date(2024, 2, 1)), ("P2", date(2024, 2, 1), None)):
            record = MedicalRecord.objects.filter(pk=number).first() or factories.medical_record(number)
            DeviceAssignment.objects.create(
                device=device, patient=record, worn_from=start, worn_until=end, rank=place + 1
            )
    before = list(DeviceAssignment.objects.values())
    path = tmp_path / f"all.{ending}"
    chosen = {"json": "2", "ndjson": "3"}[ending]
    answer: Any = exporter.post(EXPORT, {"format": chosen, "resource": ""})
    path.write_bytes(b"".join(answer.streaming_content))
    run = import_at_once("readings.reading", [path])
    assert run.is_applied
    assert [run.result[f"{name}_assignments"] for name in ("new", "changed", "unchanged")] == [0, 0, 4]
    assert list(DeviceAssignment.objects.values()) == before


def test_devices_need_their_own_permission(sign_in: SignIn) -> None:
    device = Device.objects.create(serial_number="SN-1")
    DeviceAssignment.objects.create(device=device, patient=factories.medical_record(), worn_from=date(2024, 1, 1))
    assert [each["resourceType"] for each in export(sign_in(*PERMISSIONS), "json")] == ["Patient"]


def test_filters_and_the_selection_limit_the_export_and_the_access_log_has_it(exporter: Client) -> None:
    factories.medical_record("P1")
    factories.medical_record("P2", gender="M")
    assert len(export(exporter, "json", "?gender=M")) == 1
    access = Access.objects.filter(file_rows=1, filters=["gender"]).latest("pk")
    assert access.page == "admin:patients_medicalrecord_export"
    selection = {"action": "export_fhir_ndjson", "_selected_action": ["P1"]}
    assert len(read(exporter.post(LIST, selection))) == 1
    assert Access.objects.filter(patient_ids__contains=["P1"]).exists()


def test_the_page_of_a_record_has_its_download_with_readings(sign_in: SignIn) -> None:
    factories.medical_record("P1", date_of_birth=date(1980, 1, 1))
    write_run(1, [make_readings()], streams())
    finish_run(1)
    client = sign_in(*PERMISSIONS, "readings.view_readingday")
    _, link = Page.get(client, f"{LIST}P1/change/").all("a[download]")
    kinds = {each["resourceType"] for each in read(client.get(f"{link.get('href')}"))}
    assert kinds == {"Patient", "Observation"}
    accesses = Access.objects.filter(page="admin:patients_medicalrecord_fhir").values_list("patient_ids", flat=True)
    assert ["P1*"] in accesses
    exporter = sign_in(*PERMISSIONS)
    assert len(Page.get(exporter, f"{LIST}P1/change/").all("a[download]")) == 1
    assert {each["resourceType"] for each in read(exporter.get(f"{LIST}P1/fhir/?readings"))} == {"Patient"}


def test_the_page_of_a_record_has_its_download(exporter: Client, sign_in: SignIn) -> None:
    factories.medical_record("P_1")
    (link,) = Page.get(exporter, f"{LIST}P_5F1/change/").all("a[download]")
    answer = exporter.get(str(link.get("href")))
    assert "P_1" not in answer["Content-Disposition"]
    assert [each["resourceType"] for each in read(answer)] == ["Patient"]
    accesses = [*Access.objects.order_by("pk").values_list("page", "patient_ids", "file_rows")]
    assert ("admin:patients_medicalrecord_fhir", ["P_1*"], 1) in accesses
    assert exporter.get(f"{LIST}P2/fhir/").status_code == 404
    viewer = sign_in("patients.view_medicalrecord")
    assert viewer.get(f"{LIST}P_5F1/fhir/").status_code == 403
    assert not Page.get(viewer, f"{LIST}P_5F1/change/").all("a[download]")


def _is_plain(text: str) -> bool:
    return clean_text(text) == text != "" and not any(re.search(each, text) for each in (FORMULA, ERROR, NO_VALUE))


texts = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=20).map(
    clean_text
)
names = texts.filter(_is_plain)
terms = st.lists(st.sampled_from(["Asthma", "asthma", "Gout; acute", "=1", "'-x", "É"]) | names, max_size=4)
records = st.builds(
    Record,
    number=names.filter(lambda text: not re.search(SHORTENED_NUMBER, text)),
    name=names,
    date_of_birth=st.dates(date(1930, 1, 1), date(2000, 1, 1)),
    gender=st.sampled_from("FMOU"),
    medical_conditions=terms.map(", ".join).filter(lambda text: not text or _is_plain(text)),
    medications=st.booleans(),
    allergies=terms.map(",".join).filter(lambda text: not text or _is_plain(text)),
    last_appointment_date=st.none() | st.dates(date(2001, 1, 1), date(2024, 1, 1)),
    tracker=st.sampled_from(["", "Band 2"]),
)


@settings(max_examples=settings().max_examples // 10)
@given(stored=st.lists(records, min_size=1, max_size=4, unique_by=lambda record: record.number))
@pytest.mark.parametrize("ending", FORMATS)
def test_importing_an_export_changes_nothing(tmp_path: Path, ending: str, stored: list[Record]) -> None:
    MedicalRecord.objects.all().delete()
    for number, *values in stored:
        MedicalRecord.objects.create(patient_id=number, **dict(zip(Record._fields[1:], values, strict=True)))
    path = tmp_path / f"{uuid4()}.{ending}"
    answer = stream(stored, FORMATS[ending](), "records", [])
    path.write_bytes(b"".join(answer.streaming_content))  # type: ignore[arg-type]  # not asynchronous
    run = import_at_once("patients.medicalrecord", [path])
    imported = Imported(run, list(preview_queries.iterate_errors(run)))
    assert imported.errors == []
    assert (imported.counts.unchanged, imported.counts.new, imported.counts.changed) == (len(stored), 0, 0)
