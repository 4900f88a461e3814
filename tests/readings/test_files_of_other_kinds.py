"""Files of readings that are uploaded as something else, and other files that are uploaded as readings."""

import io
import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from healthtrack.imports.life_cycle import steps
from healthtrack.imports.models import ImportRun, State
from tests.support import factories
from tests.support.apple_exports import export, record
from tests.support.clarity_tables import COLUMNS, PREAMBLE, value
from tests.support.fit_files import begin, seconds
from tests.support.formats import make_zip
from tests.support.import_files import RECORDS, write_csv, write_xlsx
from tests.support.libreview_tables import FIRST, HEADER
from tests.support.libreview_tables import record as libreview_record
from tests.support.page import Page
from tests.support.reading_imports import run_command
from tests.support.signing_in import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_uploads")]

READINGS, MEDICAL = "readings.reading", "patients.medicalrecord"
PERMISSIONS = ("readings.import_reading", "readings.view_readingday")
OWN = "patient_id,metric,start,end,value,unit,device\nP1,heart_rate,2024-03-05T08:00:00Z,,72,/min,Watch\n"
OBSERVATION = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
    "subject": {"reference": "Patient/P1"},
    "effectiveDateTime": "2024-03-05T08:00:00Z",
    "valueQuantity": {"value": 72, "code": "/min"},
}


@pytest.fixture
def _uploads(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "uploads"
    factories.medical_record("P1", date_of_birth=date(1980, 1, 1))


@pytest.fixture
def client(sign_in: SignIn) -> Client:
    return sign_in(*PERMISSIONS, *RECORDS.steward)


def address(importer: str) -> str:
    return reverse("admin:imports_importrun_upload", args=[importer])


def upload(client: Client, importer: str, name: str, content: bytes) -> Page:
    """Upload a file as one for this importer, and return the page of its checked run, or the form if it is refused."""
    files = {"import_file": SimpleUploadedFile(name, content), "kind": importer}
    response = client.post(address(importer), files)
    if response.status_code != 302:
        return Page.of(response)
    run = ImportRun.objects.latest("pk")
    with steps.open_uploads(run) as stored:
        steps.check(run, stored, steps.no_progress)
    assert run.state == State.REFUSED
    return Page.get(client, reverse("admin:imports_importrun_change", args=[run.pk]))


def make_takeout(path: Path) -> bytes:
    beat = {"dateTime": "01/15/24 08:30:00", "value": {"bpm": 72, "confidence": 2}}
    members: Mapping[str, str] = {
        "Takeout/Fitbit/Global Export Data/heart_rate-2024-01-15.json": json.dumps([beat]),
    }
    return make_zip(path / "takeout.zip", members).read_bytes()


def make_fit(path: Path) -> bytes:
    noon = "2024-03-05T12:00:00+00:00"
    file = begin().add("monitoring_info", timestamp=seconds(noon), local_timestamp=seconds(noon))
    return file.add("monitoring", timestamp=seconds(noon), heart_rate=72).make()


TABLES: dict[str, str] = {
    "readings.csv": OWN,
    "few columns.csv": "metric,start,value\nheart_rate,2024-03-05T08:00:00Z,72\n",
    "clarity.csv": COLUMNS.format(unit="mg/dL") + "\n" + PREAMBLE + value(6, "2024-03-05T08:00:00", "103"),
    "libreview.csv": FIRST + HEADER.format(unit="mg/dL") + libreview_record("13-03-2024 08:00", 0, c4="98"),
    "observations.ndjson": json.dumps(OBSERVATION),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_and_observations_uploaded_as_records_lead_to_the_upload_of_readings(client: Client, name: str) -> None:
    page = upload(client, MEDICAL, name, TABLES[name].encode())
    assert "This looks like readings." in page.text
    assert address(READINGS) in page.addresses("p.lead a")
    assert "device assignments" not in page.text


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("export.xml", lambda _: export(record("HeartRate", "72", "count/min", "08:00:00")).encode()),
        ("takeout.zip", make_takeout),
        ("P1.fit", make_fit),
        ("readings.ndjson", lambda _: b'{"metric": "heart_rate", "start": "2024-03-05T08:00:00Z", "value": 72}\n'),
    ],
)
def test_files_whose_name_no_record_has_are_called_readings_in_the_form(
    client: Client, tmp_path: Path, name: str, make: Callable[[Path], bytes]
) -> None:
    page = upload(client, MEDICAL, name, make(tmp_path))
    assert "This looks like readings. Choose that kind below, and choose the file again." in page.text
    assert not ImportRun.objects.exists()


def test_people_who_may_not_import_readings_get_no_link(sign_in: SignIn) -> None:
    page = upload(sign_in(*RECORDS.steward), MEDICAL, "readings.csv", OWN.encode())
    assert "This looks like" not in page.text


def test_records_uploaded_as_readings_lead_to_the_upload_of_records(client: Client, tmp_path: Path) -> None:
    content = write_csv(tmp_path / "records.csv", RECORDS.rows({})).read_bytes()
    page = upload(client, READINGS, "records.csv", content)
    assert "This looks like medical records." in page.text
    assert address(MEDICAL) in page.addresses("p.lead a")


def test_a_workbook_uploaded_as_readings_is_called_medical_records_in_the_form(client: Client, tmp_path: Path) -> None:
    content = write_xlsx(tmp_path / "records.xlsx", RECORDS.rows({})).read_bytes()
    page = upload(client, READINGS, "records.xlsx", content)
    assert "This looks like medical records. Choose that kind below" in page.text


def test_patients_of_fhir_uploaded_as_readings_lead_to_the_upload_of_records(client: Client) -> None:
    patient = {"resourceType": "Patient", "id": "P1", "name": [{"family": "Doe"}], "birthDate": "1980-01-01"}
    page = upload(client, READINGS, "patients.ndjson", json.dumps(patient).encode())
    assert "This looks like medical records." in page.text


def test_readings_that_are_all_wrong_stay_readings(client: Client) -> None:
    page = upload(client, READINGS, "readings.csv", OWN.replace("72", "much").encode())
    assert "This looks like" not in page.text


def test_commands_say_it_as_well(tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    path.write_text(OWN)
    errors = io.StringIO()
    with pytest.raises(CommandError):
        call_command("import_medical_records", path, stdout=io.StringIO(), stderr=errors)
    assert "This looks like readings. Import it with another command." in errors.getvalue()
    records = write_csv(tmp_path / "records.csv", RECORDS.rows({}))
    assert "This looks like medical records." in run_command(records)[1]
