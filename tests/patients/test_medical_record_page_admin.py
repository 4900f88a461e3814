"""The page of one medical record: permissions, what a save writes, and what the log stores."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from patients import admin
from patients.models import MedicalRecord, MedicalRecordTracker
from tests.support import factories
from tests.support.forms import form_with
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import SignIn

LIST = "/admin/patients/medicalrecord/"
KEEPER = (
    "audit.view_change",
    *(f"patients.{action}_medicalrecord" for action in ("view", "add", "change", "delete")),
    "trackers.view_trackermodel",
)


def page(record: MedicalRecord, name: str = "change") -> str:
    return reverse(f"admin:patients_medicalrecord_{name}", args=[record.pk.replace("/", "_2F")])


def form(**values: str) -> dict[str, str]:
    person = {"patient_id": "P1", "name": "Ada Byron", "date_of_birth": "1980-05-17", "gender": "F"}
    return {**person, "tracker_links-TOTAL_FORMS": "0", "tracker_links-INITIAL_FORMS": "0", **values}


@pytest.mark.parametrize(("name", "permission"), [("change", "view"), ("change", "change"), ("delete", "delete")])
def test_each_page_of_a_record_needs_its_permission(sign_in: SignIn, name: str, permission: str) -> None:
    address = page(factories.medical_record(), name)
    assert_page_needs(sign_in, address, f"patients.{permission}_medicalrecord", others=["patients.add_medicalrecord"])


def test_the_add_page_needs_the_permission_to_add(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, f"{LIST}add/", "patients.add_medicalrecord", others=["patients.view_medicalrecord"])


def test_view_permission_alone_shows_a_page_without_anything_to_change(sign_in: SignIn) -> None:
    record = factories.medical_record()
    factories.link(record, factories.tracker_model())
    viewer = sign_in("patients.view_medicalrecord")
    text = viewer.get(page(record)).content.decode()
    assert "Xiaomi Band 2" in text
    for control in ('name="_save"', 'name="name"', "-DELETE", 'name="tracker_links-0-model"'):
        assert control not in text
    assert viewer.post(page(record), form(name="Grace")).status_code == 403
    assert viewer.post(page(record, "delete"), {"post": "yes"}).status_code == 403


def test_the_page_shows_the_age_today_and_a_number_that_cannot_change(keeper: Client) -> None:
    born = date(timezone.localdate().year - 40, 1, 1)
    record = factories.medical_record(date_of_birth=born)
    text = keeper.get(page(record)).content.decode()
    assert "Female, 40 years, born 1 Jan" in text
    assert 'name="patient_id"' not in text
    keeper.post(page(record), form(patient_id="P2"))
    assert MedicalRecord.objects.get().pk == "P1"


def test_a_number_with_special_characters_has_its_pages(keeper: Client) -> None:
    record = factories.medical_record("A/1_x ?#é")
    for name in ("change", "delete", "history"):
        address = reverse(f"admin:patients_medicalrecord_{name}", args=["A_2F1_5Fx _3F_23é"])
        assert keeper.get(address).context["original" if name == "change" else "object"] == record


def test_a_new_record_is_linked_to_the_match_of_its_reported_tracker(keeper: Client) -> None:
    model = factories.tracker_model()
    assert keeper.post(f"{LIST}add/", form(tracker="BAND 2")).status_code == 302
    link = MedicalRecordTracker.objects.get()
    assert (link.patient_id, link.model, link.source) == ("P1", model, "import")


@pytest.mark.parametrize(
    ("tracker", "message"),
    [
        ("band 3", "Linked trackers: Xiaomi Band 3."),
        ("Halo", "No tracker is linked, because “Halo” matches no tracker model."),
        ("", "No tracker is linked."),
    ],
)
def test_another_reported_tracker_says_what_is_linked_now(keeper: Client, tracker: str, message: str) -> None:
    factories.tracker_model(model_name="Band 3")
    factories.medical_record(tracker="Band 2")
    keeper.post(page(MedicalRecord.objects.get()), form(tracker=tracker))
    assert message in keeper.get(LIST).content.decode()


def test_changing_the_reported_tracker_replaces_all_links(keeper: Client) -> None:
    old, new = factories.tracker_model(), factories.tracker_model(model_name="Band 3")
    record = factories.medical_record(tracker="Band 2", unlinked_model_ids=[new.pk])
    factories.link(record, old)
    keeper.post(page(record), form(tracker="band 3"))
    assert list(record.tracker_models.all()) == [new]
    record.refresh_from_db()
    assert record.unlinked_model_ids == []


def test_a_save_without_another_reported_tracker_leaves_the_links(keeper: Client) -> None:
    record = factories.medical_record(tracker="Band 2")
    factories.link(record, factories.tracker_model(model_name="Band 3"))
    keeper.post(page(record), form(tracker="Band 2", name="Ada Lovelace"))
    record.refresh_from_db()
    assert (record.name, record.link_count) == ("Ada Lovelace", 1)


def test_a_save_writes_only_what_this_person_changed_since_the_page_was_opened(keeper: Client) -> None:
    record = factories.medical_record(tracker="Band 2", medical_conditions="Asthma")
    first, second = (form_with(keeper.get(page(record)), "name") for _ in range(2))
    keeper.post(first.address, {**first.fields, "allergies": "Penicillin", "tracker": "Band 3"})
    MedicalRecord.objects.update(unlinked_model_ids=[7])
    keeper.post(second.address, {**second.fields, "name": "Ada Lovelace"})
    record.refresh_from_db()
    assert (record.name, record.allergies, record.tracker) == ("Ada Lovelace", "Penicillin", "Band 3")
    assert record.unlinked_model_ids == [7]


def test_line_breaks_within_conditions_become_blanks(keeper: Client) -> None:
    keeper.post(f"{LIST}add/", form(medical_conditions="Asthma,\r\n Obesity", allergies="Nuts\n"))
    record = MedicalRecord.objects.get()
    assert (record.medical_conditions, record.allergies) == ("Asthma, Obesity", "Nuts")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"patient_id": "P0"}, "Medical record with this Patient number already exists."),
        ({"name": "x" * 201}, "Ensure this value has at most 200 characters (it has 201)."),
        ({"medical_conditions": "x, " * 1334}, "Ensure this value has at most 4000 characters (it has 4001)."),
        ({"medical_conditions": f"Gout, {'x' * 501}"}, "A condition is longer than 500 characters."),
        ({"allergies": "x" * 501}, "An allergy is longer than 500 characters."),
        ({"last_appointment_date": "1980-05-16"}, "The last appointment is before the date of birth."),
        ({"last_appointment_date": "9999-12-31"}, "The date is too far in the future."),
        ({"gender": "X"}, "X is not one of the available choices."),
        ({"name": "A\0B"}, "Null characters are not allowed."),
        ({"name": "  "}, "This field is required."),
        ({"date_of_birth": "1980-02-30"}, "Enter a valid date."),
        (
            {"date_of_birth": str(timezone.localdate() + timedelta(days=2))},
            "The date of birth is in the future.",
        ),
        ({"date_of_birth": "1880-05-17"}, "The date of birth is more than 130 years ago."),
        ({"date_of_birth": "05/17/80"}, "Enter a valid date."),
        ({"patient_id": "4.70122E+12"}, "A spreadsheet has shortened or changed this number. Enter all of its digits."),
        ({"name": "#N/A"}, "is an error of a spreadsheet. Enter the value instead."),
    ],
)
def test_an_invalid_record_is_rejected_with_an_error(keeper: Client, values: dict[str, str], sentence: str) -> None:
    factories.medical_record("P0")
    answer = keeper.post(f"{LIST}add/", form(**values))
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert MedicalRecord.objects.count() == 1


def test_two_people_who_add_the_same_number_do_not_overwrite_each_other(
    keeper: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = admin.MedicalRecordAdmin.save_form

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        factories.medical_record("P1", name="Grace Hopper")
        return read(*args, **kwargs)

    monkeypatch.setattr(admin.MedicalRecordAdmin, "save_form", meanwhile)
    answer = keeper.post(f"{LIST}add/", form(), follow=True)
    assert "somebody else changed the same data at the same time" in answer.content.decode()
    assert not MedicalRecord.objects.filter(name="Ada Byron").exists()


@pytest.mark.parametrize("rows", [3, 50])
def test_the_page_needs_the_same_queries_for_any_number_of_links(
    keeper: Client, rows: int, django_assert_max_num_queries: Any
) -> None:
    record = factories.medical_record()
    for number in range(rows):
        factories.link(record, factories.tracker_model(model_name=f"Band {number}"))
    with django_assert_max_num_queries(15):
        keeper.get(page(record))
    with django_assert_max_num_queries(13):  # the suggestions are cached
        keeper.get(page(record))


def test_deleting_a_record_lists_its_links_and_deletes_them(keeper: Client) -> None:
    record = factories.medical_record()
    model = factories.tracker_model()
    factories.link(record, model)
    text = keeper.get(page(record, "delete")).content.decode()
    assert "Tracker: Xiaomi Band 2" in text
    assert "Readings of the patient, if any" in text
    assert keeper.post(page(record, "delete"), {"post": "yes"}).status_code == 302
    assert not MedicalRecord.objects.exists()
    assert not MedicalRecordTracker.objects.exists()


def test_the_log_of_the_admin_says_nothing_about_patients(keeper: Client) -> None:
    keeper.post(f"{LIST}add/", form())
    record = MedicalRecord.objects.get()
    opened = form_with(keeper.get(page(record)), "name")
    keeper.post(opened.address, {**opened.fields, "name": "Ada Lovelace"})
    keeper.post(page(record, "delete"), {"post": "yes"})
    assert not MedicalRecord.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("number", ["none", "%00", "P1%00", "_zz"])
@pytest.mark.parametrize("name", ["change", "delete", "history"])
def test_a_page_of_an_unknown_patient_redirects_with_a_message(keeper: Client, number: str, name: str) -> None:
    answer = keeper.get(f"{LIST}{number}/{name}/", follow=True)
    assert answer.redirect_chain[0][0] == LIST
    assert "Perhaps it was deleted?" in answer.content.decode()


def test_the_page_of_a_deleted_patient_leads_to_the_history(keeper: Client) -> None:
    record = factories.medical_record("P1")
    deleted = Page.of(keeper.post(page(record, "delete"), {"post": "yes"}, follow=True))
    assert [text.split()[0] for text in deleted.texts(".messagelist li")] == ["The", "If"]
    answer = keeper.get(page(record), follow=True)
    assert answer.redirect_chain == [(f"{LIST}P1/history/", 302)]
    assert "This medical record was deleted." in answer.content.decode()
    saved = Page.of(keeper.post(page(record), form(), follow=True))
    assert saved.texts(".messagelist li") == ["Nothing was saved: somebody deleted this medical record."]


def test_a_conflict_while_deleting_gives_a_message(keeper: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def collide(*_: object) -> None:
        raise IntegrityError

    record = factories.medical_record()
    monkeypatch.setattr(admin.MedicalRecordAdmin, "delete_model", collide)
    answer = keeper.post(page(record, "delete"), {"post": "yes"}, follow=True)
    assert "somebody else changed the same data at the same time" in answer.content.decode()
