"""An undo on the pages: who may ask for it, what is shown before, and what stands there afterwards."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.reasons import Reason
from healthtrack.imports.tasks import apply_import
from healthtrack.imports.undo import service as undo_service
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.import_files import RECORDS, write_csv
from tests.support.import_pages import last_run, run_jobs
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import AsRole, SignIn

STEWARD = ("imports.view_importrun", "imports.undo_importrun", "patients.view_medicalrecord")
pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path: Path) -> ImportRun:
    return RECORDS.run(write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {}))).run


@pytest.fixture
def steward(as_role: AsRole) -> Client:
    return as_role("Data steward")


def page(run: ImportRun, name: str = "undo") -> str:
    return f"/admin/imports/importrun/{run.pk}/{name}/"


def ask(steward: Client, run: ImportRun) -> ImportRun:
    answer = steward.post(page(run))
    assert answer.status_code == 302
    run_jobs()
    return last_run()


def test_it_needs_a_permission_of_its_own(sign_in: SignIn, run: ImportRun) -> None:
    assert_page_needs(sign_in, page(run), *STEWARD, others=["imports.view_importrun", "patients.view_medicalrecord"])


@pytest.mark.parametrize("lacking", STEWARD)
def test_nobody_undoes_who_lacks_a_permission_for_it(sign_in: SignIn, run: ImportRun, lacking: str) -> None:
    client = sign_in(*(permission for permission in STEWARD if permission != lacking))
    assert client.get(page(run)).status_code in {403, 404}
    assert client.post(page(run)).status_code in {403, 404}
    assert ImportRun.objects.count() == 1
    assert page(run) not in client.get(page(run, "change")).content.decode()


def test_a_stranger_is_sent_to_sign_in(run: ImportRun) -> None:
    assert "/login/" in Client().post(page(run))["Location"]
    assert ImportRun.objects.count() == 1


def test_the_way_to_it_stands_on_the_imports_page(steward: Client, run: ImportRun) -> None:
    assert (
        f'<a class="button" href="{page(run)}">Undo this import</a>'
        in steward.get(page(run, "change")).content.decode()
    )


def test_it_shows_what_would_be_done_and_does_nothing(steward: Client, run: ImportRun) -> None:
    MedicalRecord.objects.filter(pk="P1").update(allergies="Pollen")
    words = steward.get(page(run)).content.decode()
    assert "Nothing is changed yet." in words
    assert "Medical record P2" in words
    assert "1 conflict</caption>" in words
    assert '<a href="/admin/patients/medicalrecord/P1/change/">P1</a>' in words
    assert "It was changed since." in words
    assert MedicalRecord.objects.count() == 2


def test_a_worker_does_it_as_a_run_of_its_own(steward: Client, run: ImportRun) -> None:
    taking_back = ask(steward, run)
    assert (taking_back.state, taking_back.undoes, taking_back.started_by) == (State.APPLIED, run, User.objects.get())
    assert not MedicalRecord.objects.exists()
    words = steward.get(page(taking_back, "change")).content.decode()
    assert f"What import {run.pk} did is taken back." in words
    assert "Undo this import" in words
    earlier = steward.get(page(run, "change")).content.decode()
    assert f'Undone by</dt><dd><a href="{page(taking_back, "change")}">' in earlier
    assert "Undo this import" not in earlier


def test_what_was_left_stands_on_the_undos_page(steward: Client, run: ImportRun) -> None:
    MedicalRecord.objects.filter(pk="P1").update(allergies="Pollen")
    words = steward.get(page(ask(steward, run), "change")).content.decode()
    assert "but for what somebody else had changed since" in words
    assert '<a href="/admin/patients/medicalrecord/P1/change/">P1</a>' in words


def test_while_it_waits_its_page_shows_how_far_it_is(steward: Client, run: ImportRun) -> None:
    steward.post(page(run))
    words = steward.get(page(last_run(), "change")).content.decode()
    assert "Taking back" in words
    assert "No worker is running" in words


def test_what_is_undone_or_being_undone_cannot_be_undone(steward: Client, run: ImportRun) -> None:
    steward.post(page(run))
    for _ in range(2):
        assert "This import cannot be undone" in steward.get(page(run)).content.decode()
        answer = steward.post(page(run), follow=True)
        assert "This import cannot be undone any more" in answer.content.decode()
        run_jobs()
    assert ImportRun.objects.count() == 2


def test_the_second_of_two_undos_ends_with_a_sentence(steward: Client, run: ImportRun) -> None:
    steward.post(page(run))
    factories.import_run(State.APPLYING, undoes=run)
    second = last_run()
    apply_import.defer(run_id=second.pk)
    run_jobs()
    second.refresh_from_db()
    assert (second.state, second.reason) == (State.FAILED, Reason.ALREADY_UNDONE)
    assert "Somebody else undid this import meanwhile." in steward.get(page(second, "change")).content.decode()


def test_the_list_of_imports_names_it(steward: Client, run: ImportRun) -> None:
    ask(steward, run)
    assert f"Undo of import {run.pk}" in steward.get("/admin/imports/importrun/").content.decode()


def test_all_that_was_left_can_be_leafed_through(
    steward: Client, run: ImportRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo_service, "CONFLICTS_PER_PAGE", 1)
    MedicalRecord.objects.update(allergies="Pollen")
    address = page(ask(steward, run), "change")
    for query, patient in (("", "P1"), ("?conflicts=2", "P2"), ("?conflicts=99", "P2"), ("?conflicts=x", "P1")):
        words = steward.get(address + query).content.decode()
        assert re.findall(r'/medicalrecord/(P.)/change/">', words) == [patient]
        assert f"2 conflicts, {patient[1]} to {patient[1]}</caption>" in words


def test_an_imports_page_leads_to_what_it_changed(sign_in: SignIn, run: ImportRun) -> None:
    link = f'<a href="/admin/changes/?run={run.pk}">'
    assert link in sign_in(*STEWARD, "audit.view_change").get(page(run, "change")).content.decode()
    User.objects.all().delete()
    assert link not in sign_in(*STEWARD).get(page(run, "change")).content.decode()
