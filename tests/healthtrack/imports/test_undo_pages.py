"""The pages of an undo: who may request it, its preview, and its outcome."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client
from django.utils.formats import date_format
from django.utils.timezone import localtime

from healthtrack.audit.models import Access
from healthtrack.imports import registry
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.reasons import Reason
from healthtrack.imports.tasks import apply_import
from healthtrack.imports.undo import service as undo_service
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.import_files import RECORDS, write_csv
from tests.support.import_pages import last_run, run_jobs
from tests.support.page import Page, text_of
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import SignIn

STEWARD = ("imports.view_importrun", "imports.undo_importrun", "patients.view_medicalrecord")
pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path: Path) -> ImportRun:
    return RECORDS.run(write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {}))).run


def page(run: ImportRun, name: str = "undo") -> str:
    return f"/admin/imports/importrun/{run.pk}/{name}/"


def request_undo(steward: Client, run: ImportRun) -> ImportRun:
    answer = steward.post(page(run))
    assert answer.status_code == 302
    run_jobs()
    return last_run()


def test_it_takes_a_permission_of_its_own(sign_in: SignIn, run: ImportRun) -> None:
    assert_page_needs(sign_in, page(run), *STEWARD, others=["imports.view_importrun", "patients.view_medicalrecord"])


@pytest.mark.parametrize("lacking", STEWARD)
def test_a_person_who_lacks_one_of_the_permissions_cannot_undo(sign_in: SignIn, run: ImportRun, lacking: str) -> None:
    client = sign_in(*(permission for permission in STEWARD if permission != lacking))
    assert client.get(page(run)).status_code in {403, 404}
    assert client.post(page(run)).status_code in {403, 404}
    assert ImportRun.objects.count() == 1
    assert page(run) not in client.get(page(run, "change")).content.decode()


def test_a_stranger_must_sign_in(run: ImportRun) -> None:
    assert "/login/" in Client().post(page(run))["Location"]
    assert ImportRun.objects.count() == 1


def test_the_page_of_the_import_links_to_it(steward: Client, run: ImportRun) -> None:
    assert (
        f'<a class="button destructive" href="{page(run)}">Undo this import</a>'
        in steward.get(page(run, "change")).content.decode()
    )


def test_it_shows_what_it_would_do_and_changes_nothing(steward: Client, run: ImportRun) -> None:
    MedicalRecord.objects.filter(pk="P1").update(allergies="Pollen")
    words = steward.get(page(run)).content.decode()
    assert "Nothing has been changed yet." in words
    assert "Medical record P2" in words
    assert "1 conflict</caption>" in words
    assert '<a href="/admin/patients/medicalrecord/P1/change/">P1</a>' in words
    assert "It was changed afterwards." in words
    assert MedicalRecord.objects.count() == 2


def test_its_button_says_how_many_rows_it_would_delete_and_revert(steward: Client, run: ImportRun) -> None:
    button = Page.of(steward.get(page(run))).one("main button")
    assert (text_of(button), button.get("class")) == ("Undo this import: delete 2 rows", "button destructive")


def test_an_undo_that_would_change_nothing_has_no_button(steward: Client, run: ImportRun) -> None:
    MedicalRecord.objects.update(allergies="Pollen")
    shown = Page.of(steward.get(page(run)))
    assert f"Undoing import {run.pk} ({run.title}) would change nothing" in shown.text
    assert not shown.all("main button")


def test_the_button_of_an_undo_that_only_restores_rows_does_not_look_destructive(
    steward: Client, run: ImportRun
) -> None:
    undo_run = request_undo(steward, run)
    button = Page.of(steward.get(page(undo_run))).one("main button")
    assert (text_of(button), button.get("class")) == ("Import again", "button default")


def test_a_worker_undoes_it_in_a_run_of_its_own(steward: Client, run: ImportRun) -> None:
    undo_run = request_undo(steward, run)
    assert (undo_run.state, undo_run.undoes, undo_run.started_by) == (State.APPLIED, run, User.objects.get())
    assert not MedicalRecord.objects.exists()
    words = steward.get(page(undo_run, "change")).content.decode()
    assert registry.get(undo_run.importer).undo_summary(undo_run, QueryDict()).headline in html.unescape(words)
    assert "Import again" in words
    assert "Undo this import" not in steward.get(page(run, "change")).content.decode()


def test_the_page_of_an_undone_import_says_when_and_by_whom_it_was_undone(steward: Client, run: ImportRun) -> None:
    undo_run = request_undo(steward, run)
    shown = steward.get(page(run, "change"))
    moment = date_format(localtime(undo_run.finished_at), "DATETIME_FORMAT")
    text = Page.of(shown).text
    assert f"This was undone on {moment} by {undo_run.started_by}, with import {undo_run.pk}" in text
    assert "Nothing of it remains." in text
    assert "2 rows had been added and 0 updated." in text
    assert '<span class="badge ">Undone</span>' in shown.content.decode()
    assert f'<a href="{page(undo_run, "change")}">import {undo_run.pk}</a>' in shown.content.decode()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (["P1"], "1 row remains, because somebody changed it afterwards."),
        (["P1", "P2"], "2 rows remain, because somebody changed them afterwards."),
    ],
)
def test_it_says_what_remains(steward: Client, run: ImportRun, changed: list[str], words: str) -> None:
    MedicalRecord.objects.filter(pk__in=changed).update(allergies="Pollen")
    request_undo(steward, run)
    assert words in Page.of(steward.get(page(run, "change"))).text


def test_an_undo_that_is_undone_says_so_and_its_import_counts_again(steward: Client, run: ImportRun) -> None:
    undo_run = request_undo(steward, run)
    redo = request_undo(steward, undo_run)
    shown = Page.of(steward.get(page(undo_run, "change"))).text
    assert f"with import {redo.pk}" in shown
    assert f"Import {run.pk} had been undone." in shown
    run.refresh_from_db()
    assert run.state == State.APPLIED
    assert "undone" not in Page.of(steward.get(page(run, "change"))).text


def test_the_undo_lists_what_it_did(
    steward: Client, run: ImportRun, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(undo_service, "CHANGES_PER_PAGE", 1)
    undo_run = request_undo(steward, run)
    with django_assert_max_num_queries(22):
        shown = Page.of(steward.get(page(undo_run, "change"))).text
    assert "Rows that were changed: 1 to 1 of 2" in shown
    pages = [shown, Page.of(steward.get(f"{page(undo_run, 'change')}?page=2")).text]
    patients = [re.findall(r"Medical record (P\d) Deleted", text) for text in pages]
    assert sorted(patients) == [["P1"], ["P2"]]
    assert Access.objects.latest("access_id").patient_ids == patients[1]


def test_a_person_who_may_only_view_imports_does_not_see_the_rows_of_an_undo(
    steward: Client, run: ImportRun, sign_in: SignIn
) -> None:
    undo_run = request_undo(steward, run)
    auditor = Client()
    auditor.force_login(factories.staff("imports.view_importrun", username="auditor"))
    shown = Page.of(auditor.get(page(undo_run, "change"))).text
    assert f"Import {run.pk} was undone." in shown
    assert "P1" not in shown


def test_the_page_of_the_undo_lists_the_conflicts(steward: Client, run: ImportRun) -> None:
    MedicalRecord.objects.filter(pk="P1").update(allergies="Pollen")
    words = steward.get(page(request_undo(steward, run), "change")).content.decode()
    assert "<h2>Skipped</h2>" in words
    assert '<a href="/admin/patients/medicalrecord/P1/change/">P1</a>' in words


def test_its_page_shows_the_progress(steward: Client, run: ImportRun) -> None:
    steward.post(page(run))
    words = steward.get(page(last_run(), "change")).content.decode()
    assert f"Undoing import {run.pk}" in words
    assert "The undo is queued. The import service is not running;" in words


def test_an_import_cannot_be_undone_twice(steward: Client, run: ImportRun) -> None:
    steward.post(page(run))
    for _ in range(2):
        refused = Page.of(steward.get(page(run)))
        assert "This import cannot be undone" in refused.text
        assert page(run, "change") in refused.addresses("main a.button")
        answer = steward.post(page(run), follow=True)
        assert "This import can no longer be undone." in answer.content.decode()
        run_jobs()
    assert ImportRun.objects.count() == 2


def test_the_second_of_two_undos_says_why_it_failed(steward: Client, run: ImportRun) -> None:
    steward.post(page(run))
    factories.import_run(State.APPLYING, undoes=run)
    second = last_run()
    apply_import.defer(run_id=second.pk)
    run_jobs()
    second.refresh_from_db()
    assert (second.state, second.reason) == (State.FAILED, Reason.ALREADY_UNDONE)
    assert "Somebody else has already undone this import." in steward.get(page(second, "change")).content.decode()


def test_the_list_of_imports_names_it(steward: Client, run: ImportRun) -> None:
    request_undo(steward, run)
    shown = Page.of(steward.get("/admin/imports/importrun/")).text
    assert re.search(rf"Undo of import {run.pk} Medical records Undo done 2 ", shown)
    assert re.search(r"rows.csv Medical records Undone 2 ", shown)


def test_the_conflicts_are_paged(steward: Client, run: ImportRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_service, "CONFLICTS_PER_PAGE", 1)
    MedicalRecord.objects.update(allergies="Pollen")
    address = page(request_undo(steward, run), "change")
    for query, patient in (("", "P1"), ("?conflicts=2", "P2"), ("?conflicts=99", "P2"), ("?conflicts=x", "P1")):
        words = steward.get(address + query).content.decode()
        assert re.findall(r'/medicalrecord/(P.)/change/">', words) == [patient]
        assert f"2 conflicts, {patient[1]} to {patient[1]}</caption>" in words


def test_the_page_of_an_import_links_to_its_changes(sign_in: SignIn, run: ImportRun) -> None:
    link = f'<a href="/admin/changes/?run={run.pk}">'
    assert link in sign_in(*STEWARD, "audit.view_change").get(page(run, "change")).content.decode()
    assert link not in sign_in(*STEWARD).get(page(run, "change")).content.decode()
