"""The pages of an import of readings: upload, questions, preview, who sees them, and the access log."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from healthtrack.accounts.models import Preferences
from healthtrack.audit.models import Access
from healthtrack.imports.life_cycle import steps
from healthtrack.imports.models import ImportRun, State
from patients.models import MedicalRecord
from readings.importing import unreadable
from readings.models import ReadingDay
from tests.support import factories
from tests.support.apple_exports import export, record, sleep
from tests.support.fit_files import begin, seconds
from tests.support.page import Page
from tests.support.signing_in import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_uploads")]

UPLOAD = "/admin/imports/importrun/upload/readings.reading/"
PERMISSIONS = ("readings.import_reading", "readings.view_readingday", "patients.view_medicalrecord")
NOON = "2024-03-05T12:00:00+00:00"
ROWS = "patient_id,metric,start,value,unit,device\nP1,heart_rate,2024-03-05T08:00:00+01:00,72,/min,Watch\n"


@pytest.fixture
def _uploads(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "uploads"
    factories.medical_record("P1", date_of_birth=date(1980, 1, 1))


@pytest.fixture
def steward(sign_in: SignIn) -> Client:
    return sign_in(*PERMISSIONS)


def upload(client: Client, content: str) -> ImportRun:
    """Upload a file, and return its checked run."""
    return upload_file(client, "readings.csv", content.encode())


def upload_file(client: Client, name: str, content: bytes) -> ImportRun:
    client.post(UPLOAD, {"import_file": SimpleUploadedFile(name, content)})
    run = ImportRun.objects.latest("pk")
    check(run)
    return run


def check(run: ImportRun) -> None:
    with steps.open_uploads(run) as files:
        steps.check(run, files, steps.no_progress)


def apply(run: ImportRun) -> None:
    with steps.open_uploads(run) as files:
        steps.apply(run, files, steps.no_progress)


def page_of(run: ImportRun) -> str:
    return reverse("admin:imports_importrun_change", args=[run.pk])


def test_the_preview_shows_metric_source_and_month_and_is_in_the_access_log(steward: Client) -> None:
    run = upload(steward, ROWS + "P1,pulse,2024-03-05T08:00:00+01:00,72,/min,Watch\n")
    assert run.state == State.CHECKED
    page = Page.get(steward, page_of(run))
    first, sources, unreadable = page.texts("table")
    assert "Heart rate" in first
    assert "Mar 2024" in first
    assert "Watch" in sources
    assert "Patient: P1" in page.text
    assert "No metric has this code" in unreadable
    assert Access.objects.filter(patient_ids__contains=["P1"], run_id=run.pk).exists()


@pytest.mark.parametrize("state", [State.FAILED, State.EXPIRED])
def test_a_run_that_ended_without_changes_says_nothing_about_readings(steward: Client, state: State) -> None:
    run = upload(steward, ROWS)
    ImportRun.objects.filter(pk=run.pk).update(state=state, finished_at=run.started_at)
    assert "would be added" not in Page.get(steward, page_of(run)).text


def test_home_says_how_many_patients_a_checked_file_concerns(steward: Client) -> None:
    upload(steward, ROWS + ROWS.partition("\n")[2].replace("T08", "T09"))
    assert "readings.csv is ready to import. 1 patient" in Page.get(steward, "/").text


@pytest.mark.parametrize("may_see_records", [True, False])
def test_the_preview_names_the_patients_to_people_who_may_see_records(
    sign_in: SignIn, *, may_see_records: bool
) -> None:
    MedicalRecord.objects.update(name="Ada Byron")
    client = sign_in(*(PERMISSIONS if may_see_records else PERMISSIONS[:2]))
    texts = Page.get(client, page_of(upload(client, ROWS))).texts("main p")
    assert ("Patient: P1 Ada Byron" in texts, "Patient: P1" in texts) == (may_see_records, not may_see_records)


def test_the_preview_groups_equal_errors_with_their_number_and_the_first_rows(steward: Client) -> None:
    bad = "P1,heart_rate,2024-03-05T08:00:00+01:00,{},/min,Watch\n"
    rows = [ROWS, *(bad.format(f"n{number}") for number in range(12)), bad.format(72).replace("heart_rate", "pulse")]
    run = upload(steward, "".join(rows))
    numbers, metric = Page.get(steward, page_of(run)).texts("table.errors tbody tr")
    assert "This is not a number" in numbers
    assert "12 Line 3: n0 Line 4: n1 Line 5: n2 Line 6: n3 Line 7: n4 7 others" in numbers
    assert "No metric has this code" in metric
    assert "1 Line 15: pulse" in metric


def test_many_errors_of_one_kind_hide_no_others(steward: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unreadable, "MAX_LISTED", 2)
    monkeypatch.setattr(unreadable, "MIN_LISTED", 1)
    bad = "P1,heart_rate,2024-03-05T08:00:00+01:00,much,/min,Watch\n"
    run = upload(steward, ROWS + bad * 5 + bad.replace("heart_rate", "pulse") * 3)
    numbers, metric = Page.get(steward, page_of(run)).texts("table.errors tbody tr")
    assert "5 Line 3: much Line 4: much 3 others" in numbers
    assert "3 Line 8: pulse 2 others" in metric
    assert len(list(unreadable.list_unreadable(run.pk))) == 2


def test_a_file_of_no_format_says_what_to_do_and_leads_back_to_the_upload(steward: Client) -> None:
    run = upload_file(steward, "rows.json", b'{"a": [1, 2]}')
    assert run.state == State.REFUSED
    page = Page.get(steward, page_of(run))
    assert page.texts("table") == []
    (reason,) = page.texts("main h2 + ul li")
    assert reason.startswith("The file rows.json has none of the formats that can be read.")
    assert UPLOAD in page.addresses("a.button")


def test_a_file_of_a_maker_is_recognized_and_its_preview_says_what_is_not_imported(steward: Client) -> None:
    assert "Garmin FIT" in steward.get(UPLOAD).content.decode()
    file = begin().add("monitoring_info", timestamp=seconds(NOON), local_timestamp=seconds(NOON) + 3600)
    file.add("monitoring", timestamp=seconds(NOON), heart_rate=72).add("record", timestamp=99, heart_rate=72)
    file.add("stress_level", stress_level_value=30, stress_level_time=seconds(NOON))
    run = upload_file(steward, "P1.fit", file.make())
    assert run.state == State.CHECKED
    groups, sources, left_out, unreadable = Page.get(steward, page_of(run)).texts("table")
    assert "Heart rate" in groups
    assert "3333" in sources
    assert "Stress levels" in left_out
    assert "Record 4" in unreadable


def test_the_preview_shows_who_wore_which_device_and_is_in_the_access_log(steward: Client) -> None:
    use: dict[str, Any] = {
        "resourceType": "DeviceUseStatement",
        "status": "active",
        "subject": {"reference": "Patient/P1"},
    }
    inner = {"resourceType": "Device", "id": "d", "serialNumber": "SN1"}
    use |= {"device": {"reference": "#d"}, "contained": [inner], "timingPeriod": {"start": "2024-03-01"}}
    run = upload_file(steward, "uses.ndjson", json.dumps(use).encode())
    assert run.state == State.CHECKED
    page = Page.get(steward, page_of(run))
    (assignments,) = page.texts("table")
    assert "P1 SN1 1 Mar 2024" in assignments
    assert assignments.endswith("New")
    assert "Assignments of devices: 1" in page.text
    assert Access.objects.filter(patient_ids__contains=["P1"], run_id=run.pk).exists()


def test_people_answer_whose_readings_they_are_and_in_which_zone(steward: Client) -> None:
    run = upload(steward, "metric,start,value,unit\nheart_rate,2024-03-05T08:00:00,72,/min\n")
    assert run.state == State.QUESTIONS
    text = steward.get(page_of(run)).content.decode()
    assert "Whose readings are these?" in text
    assert "In which time zone are the times?" in text
    answer = reverse("admin:imports_importrun_answer", args=[run.pk])
    opened = {"opened": run.answers_version, "zone": "Europe/Berlin"}
    wrong = steward.post(answer, {**opened, "patient": "P9"}).content.decode()
    assert "No record has this number." in wrong
    steward.post(answer, {**opened, "patient": "P1"})
    run.refresh_from_db()
    check(run)
    with steps.open_uploads(run) as files:
        steps.apply(run, files, steps.no_progress)
    assert ReadingDay.objects.get().utc_offset == 3600


def test_the_zone_of_the_person_is_offered_first_and_not_chosen(steward: Client) -> None:
    user = User.objects.get(pk=steward.session["_auth_user_id"])
    Preferences.objects.create(user=user, time_zone="Asia/Kolkata", date_format="")
    run = upload(steward, "patient_id,metric,start,value,unit\nP1,heart_rate,2024-03-05T08:00:00,72,/min\n")
    options = Page.get(steward, page_of(run)).all("select[name=zone] option")
    assert [option.get("value") for option in options][:3] == ["", "Asia/Kolkata", "Africa/Abidjan"]
    assert not [option for option in options if "selected" in option.attrib and option.get("value")]


def test_a_file_without_anything_new_says_so_and_is_not_offered_as_others_are(steward: Client) -> None:
    first = upload(steward, ROWS)
    assert "Import this file" in Page.get(steward, page_of(first)).texts(".run-actions button")
    apply(first)
    page = Page.get(steward, page_of(upload(steward, ROWS)))
    assert "Nothing in this file is new, so it would not change anything." in page.text
    assert page.texts(".run-actions button") == ["Import without changes", "Cancel"]
    assert not page.all(".run-actions button.default")


def test_an_import_of_one_patient_leads_to_that_patient_and_others_to_the_list(sign_in: SignIn) -> None:
    factories.medical_record("P2", date_of_birth=date(1980, 1, 1))
    client = sign_in(*PERMISSIONS)
    of_one = upload(client, ROWS)
    apply(of_one)
    of_two = upload(client, ROWS + ROWS.splitlines()[1].replace("P1", "P2") + "\n")
    apply(of_two)
    assert not Access.objects.exists()
    assert "/readings/P1/" in Page.get(client, page_of(of_one)).addresses("p.lead a")
    assert Access.objects.filter(patient_ids=["P1"], run_id=of_one.pk).exists()
    assert "/readings/" in Page.get(client, page_of(of_two)).addresses("p.lead a")
    viewer = sign_in("readings.view_readingday", "imports.view_importrun")
    assert "/readings/P1/" not in viewer.get(page_of(of_one)).content.decode()


def test_only_those_with_the_permission_upload(sign_in: SignIn, client: Client) -> None:
    assert client.get(UPLOAD).status_code == 302
    assert sign_in("patients.import_medicalrecord", "patients.view_medicalrecord").get(UPLOAD).status_code == 403
    assert sign_in(*PERMISSIONS).get(UPLOAD).status_code == 200


class TestUploadForOnePatient:
    """Files that arrive through a patient's page of readings."""

    address = "/readings/P1/upload/"

    def upload(self, client: Client, content: str) -> ImportRun:
        client.post(self.address, {"import_file": SimpleUploadedFile("readings.csv", content.encode())})
        run = ImportRun.objects.latest("pk")
        check(run)
        return run

    def test_the_page_answers_whose_readings_they_are(self, steward: Client) -> None:
        run = self.upload(steward, "metric,start,value,unit\nheart_rate,2024-03-05T08:00:00+01:00,72,/min\n")
        assert run.state == State.CHECKED
        with steps.open_uploads(run) as files:
            steps.apply(run, files, steps.no_progress)
        assert ReadingDay.objects.get().patient_id == "P1"

    @pytest.mark.parametrize("name", ["readings.csv", "P2.csv"])
    def test_rows_of_another_patient_are_errors(self, steward: Client, name: str) -> None:
        factories.medical_record("P2", date_of_birth=date(1980, 1, 1))
        rows = "metric,start,value,unit\nheart_rate,2024-03-05T08:00:00+01:00,72,/min\n"
        if name == "readings.csv":
            rows = ROWS + ROWS.splitlines()[1].replace("P1", "P2") + "\n"
        steward.post(self.address, {"import_file": SimpleUploadedFile(name, rows.encode())})
        run = ImportRun.objects.latest("pk")
        check(run)
        assert run.invalid_count == 1
        text = Page.get(steward, page_of(run)).text
        assert "The file was uploaded for another patient." in text
        assert "Line 3: P2" in text or "Line 2: P2" in text

    def test_other_questions_remain(self, steward: Client) -> None:
        run = self.upload(steward, "metric,start,value,unit\nheart_rate,2024-03-05T08:00:00,72,/min\n")
        text = steward.get(page_of(run)).content.decode()
        assert "Whose readings are these?" not in text
        assert "In which time zone are the times?" in text

    def test_it_takes_nothing_but_readings(self, sign_in: SignIn) -> None:
        both = sign_in(*PERMISSIONS, "patients.import_medicalrecord")
        page = Page.get(both, self.address)
        assert "For patient P1." in page.text
        assert not page.all("[name=kind]")
        refused = both.post(self.address, {"import_file": SimpleUploadedFile("records.xlsx", b"PK")})
        assert "The name of the file must end in" in Page.of(refused).text
        assert not ImportRun.objects.exists()

    def test_only_those_who_may_import_and_view_the_patient_upload(self, sign_in: SignIn, client: Client) -> None:
        assert client.get(self.address).status_code == 302
        assert sign_in("patients.view_medicalrecord", "readings.view_readingday").get(self.address).status_code == 403


def test_the_preview_shows_nights_and_what_is_not_imported(steward: Client) -> None:
    text = export(
        record("HeartRate", "72", "count/min", "08:00:00"),
        record("DietaryWater", "200", "mL", "08:00:00"),
        sleep("AsleepCore", "2024-03-04 23:00:00", "2024-03-05 01:00:00"),
    )
    steward.post(UPLOAD, {"import_file": SimpleUploadedFile("export.xml", text.encode())})
    run = ImportRun.objects.latest("pk")
    check(run)
    steward.post(
        reverse("admin:imports_importrun_answer", args=[run.pk]), {"opened": run.answers_version, "patient": "P1"}
    )
    run.refresh_from_db()
    check(run)
    _, sources, nights, left_out = Page.get(steward, page_of(run)).texts("table")
    assert "Apple Watch Series 2" in sources
    assert "Sleep Watch of Anna (Watch2,4) Mar 2024 1" in nights
    assert "Dietary water 1" in left_out
