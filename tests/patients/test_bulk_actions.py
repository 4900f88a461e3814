"""Change many records at once: previews, the typed number, permissions, and one undo for all."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from healthtrack.audit.models import Access
from healthtrack.imports.models import ImportRun
from patients.linking import links as linking
from patients.models import MedicalRecord, MedicalRecordTracker
from tests.support import factories
from tests.support.forms import form_with
from tests.support.import_pages import run_jobs
from tests.support.page import Page
from tests.support.role_holders import make_person
from tests.support.signing_in import AsRole, client_for
from trackers.models import TrackerModel

LIST = "/admin/patients/medicalrecord/"
NUMBERS = ("P1", "P2", "P3")


@pytest.fixture
def admin(as_role: AsRole) -> Client:
    return as_role("Administrator")


@pytest.fixture
def model(db: None) -> TrackerModel:
    """Return a model; of three records, the first is linked to it, and staff unlinked it from the second."""
    model = factories.tracker_model()
    for number in NUMBERS:
        factories.medical_record(number, last_appointment_date="2024-01-02" if number == "P1" else None)
    factories.link(MedicalRecord.objects.get(pk="P1"), model)
    MedicalRecord.objects.filter(pk="P2").update(unlinked_model_ids=[model.pk])
    return model


def choose(client: Client, action: str, address: str = LIST, **values: Any) -> Any:
    return client.post(address, {"action": action, "_selected_action": NUMBERS, **values}, follow=True)


def preview(client: Client, action: str, **values: Any) -> Page:
    return Page.of(choose(client, action, step="preview", **values))


def confirm(client: Client, action: str, count: int, **values: Any) -> str:
    return Page.of(choose(client, action, step="confirm", count=str(count), **values)).text


def test_a_deletion_asks_for_the_number_at_once_because_there_is_nothing_else_to_say(admin: Client, model: Any) -> None:
    page = Page.of(choose(admin, "delete_records"))
    assert "3 records will be deleted." in page.text
    assert "Type 3 to confirm" in page.text
    assert MedicalRecord.objects.count() == 3


def stored() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (MedicalRecord, MedicalRecordTracker)]


def add_like(number: str) -> MedicalRecord:
    """Add a record with the appointment and the trackers of another one, and return it."""
    like = MedicalRecord.objects.get(pk=number)
    record = factories.medical_record(f"{number}-2", last_appointment_date=like.last_appointment_date)
    for model in like.tracker_models.all():
        factories.link(record, model)
    return record


def undo_last(client: Client) -> None:
    run = ImportRun.objects.latest("run_id")
    client.post(f"/admin/imports/importrun/{run.pk}/undo/")
    run_jobs()


def links() -> set[tuple[str, str]]:
    return set(MedicalRecordTracker.objects.values_list("patient_id", "source"))


class TestTheChanges:
    def test_the_last_appointment_is_set(self, admin: Client, model: TrackerModel) -> None:
        before = stored()
        assert "2 records will be changed." in preview(admin, "set_appointment", day="2024-01-02").text
        assert stored() == before
        text = confirm(admin, "set_appointment", 2, day="2024-01-02")
        assert "2 medical records: last appointment set." in text
        assert not MedicalRecord.objects.exclude(last_appointment_date="2024-01-02").exists()
        undo_last(admin)
        assert stored() == before

    def test_a_tracker_is_linked_also_where_staff_had_removed_it(self, admin: Client, model: TrackerModel) -> None:
        before = stored()
        assert "2 records will be changed." in preview(admin, "link_tracker", model=model.pk).text
        confirm(admin, "link_tracker", 2, model=model.pk)
        assert links() == {(number, "staff") for number in NUMBERS}
        assert not MedicalRecord.objects.filter(unlinked_model_ids__contains=[model.pk]).exists()
        undo_last(admin)
        assert stored() == before

    def test_a_link_is_removed_and_no_import_makes_it_again(self, admin: Client, model: TrackerModel) -> None:
        before = stored()
        assert "1 record will be changed." in preview(admin, "unlink_tracker", model=model.pk).text
        confirm(admin, "unlink_tracker", 1, model=model.pk)
        assert links() == set()
        assert MedicalRecord.objects.get(pk="P1").unlinked_model_ids == [model.pk]
        undo_last(admin)
        assert stored() == before

    def test_records_are_deleted_with_their_links(self, admin: Client, model: TrackerModel) -> None:
        before = stored()
        confirm(admin, "delete_records", 3)
        assert stored() == [[], []]
        undo_last(admin)
        assert stored() == before


class TestTheConfirmation:
    @pytest.mark.parametrize("count", ["", "2", "three"])
    def test_the_number_must_be_typed(self, admin: Client, model: TrackerModel, count: str) -> None:
        answer = choose(admin, "delete_records", step="confirm", count=count)
        assert "This is not the number of records that will be deleted. Type 3." in Page.of(answer).text
        assert MedicalRecord.objects.count() == 3

    def test_all_records_of_the_list_are_named_by_its_filters(self, admin: Client, model: TrackerModel) -> None:
        factories.medical_record("P4", gender="M")
        answer = choose(admin, "delete_records", f"{LIST}?gender=M&count=1", select_across="1")
        page = Page.of(answer)
        assert "1 medical record is selected." in page.text
        assert "These are all records of the list with these filters: Gender: M" in page.text
        form = form_with(answer, "select_across")
        admin.post(f"{LIST}?gender=M&count=1", {**form.fields, "step": "confirm", "count": "1"})
        assert sorted(MedicalRecord.objects.values_list("pk", flat=True)) == [*NUMBERS]

    @pytest.mark.parametrize("action", ["set_appointment", "link_tracker", "unlink_tracker", "delete_records"])
    def test_nothing_changes_if_the_number_changes_after_the_confirmation(
        self, admin: Client, model: TrackerModel, action: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = stored()
        monkeypatch.setattr(linking, "wait_for_models", lambda: add_like("P1") and add_like("P3"))
        values: dict[str, Any] = {"day": "2024-01-02", "model": model.pk, "select_across": "1", "step": "confirm"}
        count = {"unlink_tracker": 1, "delete_records": 3}.get(action, 2)
        page = Page.of(choose(admin, action, **values, count=str(count)))
        assert "Somebody changed these records. Nothing was done" in page.text
        assert page.all("#count")
        assert stored() == before
        assert not ImportRun.objects.exists()

    def test_nothing_to_change_offers_no_confirmation(self, admin: Client, model: TrackerModel) -> None:
        MedicalRecord.objects.update(last_appointment_date="2024-01-02")
        page = preview(admin, "set_appointment", day="2024-01-02")
        assert "0 records will be changed." in page.text
        assert page.all("#count") == []

    @pytest.mark.parametrize(
        ("day", "sentence"),
        [
            ("", "This field is required."),
            ("2024-02-30", "Enter a valid date."),
            ("1970-01-01", "3 of these patients were born after this date. Choose another date."),
        ],
    )
    def test_an_invalid_value_is_explained(self, admin: Client, model: TrackerModel, day: str, sentence: str) -> None:
        assert sentence in preview(admin, "set_appointment", day=day).text
        assert sentence in confirm(admin, "set_appointment", 3, day=day)


class TestUndoByThePersonWhoMadeIt:
    @pytest.fixture
    def keeper(self, model: TrackerModel) -> Client:
        return client_for(make_person("Record keeper"))

    def test_a_record_keeper_undoes_their_own_change_and_makes_it_again(self, keeper: Client) -> None:
        answer = choose(keeper, "set_appointment", step="confirm", count="2", day="2024-01-02")
        (page,) = [href for href in Page.of(answer).addresses() if "importrun" in href]
        assert "Undo this edit" in Page.get(keeper, page).text
        assert "/admin/imports/importrun/" not in Page.get(keeper, page).addresses()  # the list of all imports
        undo_last(keeper)
        assert MedicalRecord.objects.filter(last_appointment_date=None).count() == 2
        undo = ImportRun.objects.latest("run_id")
        assert "Make the edit again" in Page.get(keeper, f"/admin/imports/importrun/{undo.pk}/change/").text
        undo_last(keeper)
        assert not MedicalRecord.objects.filter(last_appointment_date=None).exists()
        again = ImportRun.objects.latest("run_id")
        assert "Undo the edit again" in Page.get(keeper, f"/admin/imports/importrun/{again.pk}/change/").text

    def test_others_and_people_who_lost_the_permission_do_not(self, keeper: Client, model: TrackerModel) -> None:
        confirm(keeper, "set_appointment", 2, day="2024-01-02")
        run = ImportRun.objects.get()
        pages = [f"/admin/imports/importrun/{run.pk}/{page}/" for page in ("change", "undo")]
        other = client_for(make_person("Record keeper", username="other"))
        assert [other.get(page).status_code for page in pages] == [403, 403]
        assert other.post(pages[1]).status_code == 403
        person = run.started_by
        assert person
        person.groups.set(Group.objects.filter(name="Analyst"))
        keeper = client_for(User.objects.get(pk=person.pk))
        assert [keeper.get(page).status_code for page in pages] == [200, 403]
        assert "Undo this edit" not in Page.get(keeper, pages[0]).text
        person.groups.clear()
        keeper = client_for(User.objects.get(pk=person.pk))
        assert [keeper.get(page).status_code for page in pages] == [403, 403]
        assert ImportRun.objects.count() == 1


class TestPermissions:
    def test_deleting_many_records_needs_a_permission_of_its_own(self, model: TrackerModel) -> None:
        keeper = client_for(make_person("Record keeper"))
        page = Page.get(keeper, LIST)
        actions = [option.get("value") for option in page.all("select[name=action] option")]
        assert actions == ["", "set_appointment", "link_tracker", "unlink_tracker"]
        for action in ("delete_records", "delete_selected"):
            confirm(keeper, action, 3)
        assert MedicalRecord.objects.count() == 3

    def test_readers_have_no_action_but_to_export(self, model: TrackerModel) -> None:
        analyst = Page.get(client_for(make_person("Analyst")), LIST)
        options = [option.get("value") for option in analyst.all("select[name=action] option")]
        assert options == ["", "export_csv", "export_xlsx", "export_fhir_bundle", "export_fhir_ndjson"]


@pytest.mark.parametrize(("action", "start"), [("export_csv", b"\xef\xbb\xbfpatient_id"), ("export_xlsx", b"PK")])
def test_the_selection_is_exported(admin: Client, model: TrackerModel, action: str, start: bytes) -> None:
    answer: Any = admin.post(LIST, {"action": action, "_selected_action": ["P1", "P3"]})
    content = b"".join(answer.streaming_content)
    assert content.startswith(start)
    if action == "export_csv":
        assert [line.split(b",")[0] for line in content.splitlines()[1:]] == [b"P1", b"P3"]
    files = Access.objects.filter(file_patients__isnull=False)
    assert sorted(number for access in files for number in access.file_patients or []) == ["P1", "P3"]


@pytest.mark.parametrize("count", [3, 30])
def test_an_action_needs_the_same_queries_for_any_number_of_records(
    admin: Client, model: TrackerModel, count: int, django_assert_max_num_queries: Any
) -> None:
    numbers = [factories.medical_record(f"Q{number}").pk for number in range(count)]
    values = {"action": "link_tracker", "_selected_action": numbers, "model": model.pk}
    with django_assert_max_num_queries(23):
        admin.post(LIST, {**values, "step": "preview"})
    with django_assert_max_num_queries(55):
        admin.post(LIST, {**values, "step": "confirm", "count": str(count)})
    assert model.patient_links.count() == count + 1
