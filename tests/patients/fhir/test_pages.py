"""The pages of an import of FHIR files: upload, preview, errors, warnings and undo are those of tables."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from healthtrack.audit.models import Access
from healthtrack.imports.life_cycle import runs, steps
from healthtrack.imports.life_cycle.import_at_once import import_at_once
from healthtrack.imports.models import ImportRun, State
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.fhir_files import Content, as_ndjson, condition, patient, write_by_type, write_ndjson
from tests.support.page import Page
from tests.support.signing_in import SignIn

pytestmark = pytest.mark.django_db

UPLOAD = "/admin/imports/importrun/upload/"
RECORDS = f"{UPLOAD}patients.medicalrecord/"


@pytest.fixture
def steward(sign_in: SignIn, settings: Any, tmp_path: Path) -> Client:
    settings.IMPORT_UPLOADS = tmp_path / "uploads"
    names = ("patients.import_medicalrecord", "patients.view_medicalrecord", "patients.change_medicalrecord")
    return sign_in(*names, "readings.import_reading", "readings.view_readingday", "trackers.view_fitnesstracker")


def upload(client: Client, address: str, **files: bytes) -> Any:
    named = [SimpleUploadedFile(name.replace("_", "."), content) for name, content in files.items()]
    return client.post(address, {"import_file": named, "kind": ""})


def check(client: Client, *resources: Content) -> tuple[ImportRun, Page]:
    upload(client, UPLOAD, all_ndjson=as_ndjson(*resources))
    run = ImportRun.objects.latest("pk")
    with steps.open_uploads(run) as files:
        steps.check(run, files, steps.no_progress)
    return run, Page.get(client, reverse("admin:imports_importrun_change", args=[run.pk]))


def test_the_upload_page_recognizes_fhir_and_the_preview_shows_records(steward: Client) -> None:
    factories.medical_record("P2", name="Ada King Byron", gender="M")
    run, page = check(steward, patient(), condition(), patient("P2"))
    assert (run.importer, run.state) == ("patients.medicalrecord", State.CHECKED)
    assert "Gender or date of birth changes" in page.text
    assert "How this file is read" not in page.text
    assert Access.objects.filter(patient_ids__contains=["P2"], run_id=run.pk).exists()


def test_how_files_are_read_cannot_be_changed(steward: Client) -> None:
    run, _ = check(steward, patient())
    assert steward.get(f"/admin/imports/importrun/{run.pk}/reading/").status_code == 404
    steward.post(f"/admin/imports/importrun/{run.pk}/answer/", {"encoding": "utf-8"})
    run.refresh_from_db()
    assert (run.state, run.answers) == (State.CHECKED, {})


def test_several_files_of_a_bulk_export_are_one_upload(steward: Client) -> None:
    files = {"Patient_ndjson": as_ndjson(patient()), "Condition_ndjson": as_ndjson(condition())}
    upload(steward, UPLOAD, **files)
    run = ImportRun.objects.get()
    assert (run.importer, run.files.count()) == ("patients.medicalrecord", 2)


def test_errors_are_listed_with_file_and_line(steward: Client) -> None:
    run, page = check(steward, patient(), patient("P2", birthDate="1970"), condition(number="P3"))
    assert run.error_count == 2
    assert "1 of 2 rows is invalid" in page.text
    assert "Download the invalid rows" not in page.text
    shown = page.texts("table.errors")[0]
    assert "all.ndjson, line 2 Patient.birthDate 1970 The date is not complete" in shown
    assert "all.ndjson, line 3 Condition.subject Patient/id-P3 The upload has no such Patient." in shown


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("patients.xml", b'<Bundle xmlns="http://hl7.org/fhir"/>', "The file is FHIR in XML."),
        ("patients.csv", as_ndjson(patient()), "The file is FHIR in JSON, so its name must end in .json"),
    ],
)
def test_a_misleading_name_is_refused_with_the_reason(steward: Client, name: str, content: bytes, message: str) -> None:
    answer = steward.post(RECORDS, {"import_file": SimpleUploadedFile(name, content), "kind": "patients.medicalrecord"})
    assert message in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_an_import_of_fhir_is_undone_as_a_whole(tmp_path: Path) -> None:
    factories.medical_record("P2", name="Ada King Byron", medical_conditions="", medications=True)
    resources = (patient(), patient("P2"), condition(), condition("Gout", number="P2"))
    run = import_at_once("patients.medicalrecord", [write_ndjson(tmp_path / "all.ndjson", *resources)])
    assert MedicalRecord.objects.get(pk="P2").medical_conditions == "Gout"
    undo = runs.request_undo(run, factories.staff())
    assert undo
    steps.apply(undo, [], steps.no_progress)
    assert [*MedicalRecord.objects.values_list("pk", "medical_conditions", "medications")] == [("P2", "", True)]


def test_the_command_takes_the_files_of_an_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_medical_records", *write_by_type(tmp_path, [patient(), condition()]))
    assert MedicalRecord.objects.get().medical_conditions == "Asthma"
    assert "1 new" in capsys.readouterr().out


def test_the_command_names_the_place_of_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError):
        call_command("import_medical_records", write_ndjson(tmp_path / "all.ndjson", patient(gender="x"), patient("2")))
    assert "all.ndjson, line 1, Patient.gender “x”: There is no such gender in FHIR." in capsys.readouterr().err
    assert not MedicalRecord.objects.exists()
