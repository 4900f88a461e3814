"""Restore deleted records, links, models and variants from their history."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from healthtrack.audit.models import Access, Action, Change
from patients.models import MedicalRecord, MedicalRecordTracker
from tests.support import factories
from tests.support.forms import form_with
from tests.support.page import Page
from tests.support.signing_in import AsRole, client_for
from trackers.models import FitnessTracker, TrackerModel

RECORDS = "/admin/patients/medicalrecord/"
MODELS = "/admin/trackers/trackermodel/"
VARIANTS = "/admin/trackers/fitnesstracker/"
ONE, ALL = {"rows": "one"}, {"rows": "all"}


@pytest.fixture
def keeper(as_role: AsRole) -> Client:
    return as_role("Administrator")


@pytest.fixture
def record() -> MedicalRecord:
    """Return a record with every field and two links, one of them by an import."""
    record = factories.medical_record("P1", name="Ada Byron", allergies="Nuts", tracker="Loop", gender="F")
    for number, source in (("1", "staff"), ("2", "import")):
        factories.link(record, factories.tracker_model(model_name=f"Band {number}"), source)
    return record


def client_of(*permissions: str) -> Client:
    return client_for(factories.staff(*permissions, username="-".join(permissions)[:150]))


def delete(client: Client, *numbers: str) -> Any:
    chosen = {"action": "delete_records", "_selected_action": numbers, "step": "confirm", "count": str(len(numbers))}
    answer = client.post(RECORDS, chosen, follow=True)
    assert not MedicalRecord.objects.filter(pk__in=numbers).exists()
    return answer


def restore_pages(client: Client, history: str) -> list[str]:
    return [address for address in Page.get(client, history).addresses("td a.button") if "/restore/" in address]


def restore(client: Client, history: str, rows: dict[str, str] = ONE) -> str:
    """Restore by the first button of a history, and return the text of the page that follows."""
    return Page.of(client.post(restore_pages(client, history)[0], rows, follow=True)).text


def stored(model: Any) -> list[dict[str, Any]]:
    return list(model.objects.order_by("pk").values())


def test_a_deleted_record_comes_back_with_all_values_and_links(keeper: Client, record: MedicalRecord) -> None:
    before = stored(MedicalRecord), stored(MedicalRecordTracker)
    keeper.post(f"{RECORDS}P1/delete/", {"post": "yes"})
    assert not MedicalRecordTracker.objects.exists()
    text = restore(keeper, f"{RECORDS}P1/history/")
    assert "Restored: 1 medical record and 2 tracker links." in text
    # The import's link is outdated: the reported tracker matches no model.
    assert stored(MedicalRecord) == [{**before[0][0], "link_count": 1}]
    assert stored(MedicalRecordTracker) == [link for link in before[1] if link["source"] == "staff"]


def test_the_message_of_a_deletion_leads_to_the_history(keeper: Client, record: MedicalRecord) -> None:
    answer = keeper.post(f"{RECORDS}P1/delete/", {"post": "yes"}, follow=True)
    assert f"{RECORDS}P1/history/" in Page.of(answer).addresses()
    chosen = {"action": "delete_selected", "_selected_action": [factories.variant(factories.tracker_model("A")).pk]}
    answer = keeper.post(VARIANTS, {**chosen, "post": "yes"}, follow=True)
    assert "/admin/changes/" in Page.of(answer).addresses(".messagelist a")


def test_the_page_shows_what_comes_back_and_changes_nothing(keeper: Client, record: MedicalRecord) -> None:
    delete(keeper, "P1")
    (page,) = restore_pages(keeper, f"{RECORDS}P1/history/")[:1]
    shown = Page.get(keeper, page)
    assert "Ada Byron" in shown.text
    assert "Nuts" in shown.text
    assert len(shown.rows()) == 3
    assert not MedicalRecord.objects.exists()
    assert Access.objects.filter(page="admin:patients_medicalrecord_restore", patient_ids=["P1"]).exists()


def test_all_records_that_were_deleted_in_one_step_come_back(keeper: Client, record: MedicalRecord) -> None:
    factories.medical_record("P0")
    factories.medical_record("P2")
    delete(keeper, "P0")
    delete(keeper, "P1", "P2")
    (page, *_) = restore_pages(keeper, f"{RECORDS}P2/history/")
    assert "2 medical records were deleted in the same step" in Page.get(keeper, page).text
    assert "Restored: 2 medical records" in restore(keeper, f"{RECORDS}P2/history/", ALL)
    assert set(MedicalRecord.objects.values_list("pk", flat=True)) == {"P1", "P2"}
    assert MedicalRecordTracker.objects.filter(patient="P1").exists()


def test_only_one_of_several_comes_back(keeper: Client, record: MedicalRecord) -> None:
    factories.medical_record("P2")
    delete(keeper, "P1", "P2")
    restore(keeper, f"{RECORDS}P2/history/")
    assert list(MedicalRecord.objects.values_list("pk", flat=True)) == ["P2"]
    assert not MedicalRecordTracker.objects.exists()


def test_a_number_that_is_in_use_again_is_named_with_the_record(keeper: Client, record: MedicalRecord) -> None:
    delete(keeper, "P1")
    (page, *_) = restore_pages(keeper, f"{RECORDS}P1/history/")
    factories.medical_record("P1", name="Grace Hopper")
    for answer in (keeper.get(page, follow=True), keeper.post(page, ONE, follow=True)):
        shown = Page.of(answer)
        assert "Nothing was restored: this was added again since." in shown.text
        assert f"{RECORDS}P1/change/" in shown.addresses(".messagelist a")
    assert MedicalRecord.objects.get().name == "Grace Hopper"
    assert not MedicalRecordTracker.objects.exists()


def test_links_of_one_patient_never_come_back_to_another_with_the_number(keeper: Client, record: MedicalRecord) -> None:
    factories.medical_record("P2")
    delete(keeper, "P1", "P2")
    factories.medical_record("P1", name="Grace Hopper")
    text = restore(keeper, f"{RECORDS}P2/history/", ALL)
    assert "Restored: 1 medical record." in text
    assert "Not restored: 1 medical record and 2 tracker links." in text
    assert not MedicalRecordTracker.objects.exists()


def test_a_removed_link_comes_back(keeper: Client, record: MedicalRecord) -> None:
    opened = form_with(keeper.get(f"{RECORDS}P1/change/"), "name")
    keeper.post(opened.address, {**opened.fields, "tracker_links-0-DELETE": "on"})
    removed = Change.objects.get(action=Action.DELETE)
    assert MedicalRecordTracker.objects.count() == 1
    assert "Restored: 1 tracker." in restore(keeper, f"{RECORDS}P1/history/")
    assert MedicalRecordTracker.objects.filter(model=removed.model_id, source="staff").exists()
    assert restore_pages(keeper, f"{RECORDS}P1/history/") == []


def test_a_deleted_model_comes_back_with_its_variants(keeper: Client) -> None:
    model = factories.tracker_model()
    factories.variant(model, color="Red")
    before = stored(TrackerModel), stored(FitnessTracker)
    keeper.post(f"{MODELS}{model.pk}/delete/", {"post": "yes"})
    restore(keeper, f"{MODELS}{model.pk}/history/")
    assert (stored(TrackerModel), stored(FitnessTracker)) == before


def test_a_restored_model_is_linked_to_patients_who_report_it(keeper: Client) -> None:
    model = factories.tracker_model("Xiaomi", "Band 2")
    keeper.post(f"{MODELS}{model.pk}/delete/", {"post": "yes"})
    factories.medical_record("P1", tracker="Band 2")
    restore(keeper, f"{MODELS}{model.pk}/history/")
    assert MedicalRecordTracker.objects.filter(patient="P1", model=model).exists()


def test_a_model_that_was_added_again_stays_deleted_with_a_message(keeper: Client) -> None:
    model = factories.tracker_model()
    keeper.post(f"{MODELS}{model.pk}/delete/", {"post": "yes"})
    factories.tracker_model()
    text = restore(keeper, f"{MODELS}{model.pk}/history/")
    assert "Not restored: 1 tracker model. An equal row exists now, or what it belonged to does not exist." in text


def test_a_deleted_variant_comes_back_from_its_own_history_and_that_of_its_model(keeper: Client) -> None:
    model = factories.tracker_model()
    variant = factories.variant(model, color="Red")
    for history in (f"{VARIANTS}{variant.pk}/history/", f"{MODELS}{model.pk}/history/"):
        keeper.post(f"{VARIANTS}{variant.pk}/delete/", {"post": "yes"})
        restore(keeper, history)
        assert FitnessTracker.objects.get(pk=variant.pk).color == "Red"


def test_the_restoration_is_in_the_history_and_can_be_deleted_and_restored_again(
    keeper: Client, record: MedicalRecord
) -> None:
    for _ in range(2):
        delete(keeper, "P1")
        restore(keeper, f"{RECORDS}P1/history/")
    actions = Change.objects.filter(table_name="medical_records").order_by("change_id").values_list("action", flat=True)
    assert [action for action in actions if action != "update"][-4:] == ["delete", "insert", "delete", "insert"]


def test_a_row_that_was_deleted_in_the_database_itself_comes_back_alone(keeper: Client) -> None:
    for number in ("P1", "P2"):
        factories.medical_record(number)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM medical_records")
    restore(keeper, f"{RECORDS}P1/history/", ALL)
    assert MedicalRecord.objects.get().pk == "P1"


class TestPermissions:
    def test_only_people_who_may_delete_are_offered_to_restore(self, keeper: Client) -> None:
        factories.medical_record("P1")
        delete(keeper, "P1")
        (page,) = restore_pages(keeper, f"{RECORDS}P1/history/")
        reader = client_of("patients.view_medicalrecord", "audit.view_change")
        assert restore_pages(reader, f"{RECORDS}P1/history/") == []
        for answer in (reader.get(page), reader.post(page, ONE)):
            assert answer.status_code == 403
        assert Client().post(page, ONE).status_code == 302
        assert not MedicalRecord.objects.exists()

    def test_a_link_comes_back_by_people_who_may_change_the_record(self, keeper: Client) -> None:
        record = factories.medical_record("P1")
        factories.link(record, factories.tracker_model()).delete()
        seen = ("patients.view_medicalrecord", "audit.view_change")
        assert restore_pages(client_of(*seen, "patients.delete_medicalrecord"), f"{RECORDS}P1/history/") == []
        assert restore_pages(client_of(*seen, "patients.change_medicalrecord"), f"{RECORDS}P1/history/")

    @pytest.mark.parametrize("number", ["P2", "P1%00"])
    def test_a_deletion_of_another_row_cannot_be_restored_on_this_page(self, keeper: Client, number: str) -> None:
        factories.medical_record("P1")
        delete(keeper, "P1")
        change = Change.objects.get(action=Action.DELETE)
        assert keeper.post(f"{RECORDS}{number}/restore/{change.pk}/", ONE).status_code == 404
        assert keeper.post(f"{RECORDS}P1/restore/{change.pk - 1}/", ONE).status_code == 404


@pytest.mark.parametrize("count", [2, 20])
def test_the_history_needs_the_same_queries_for_any_number_of_deletions(
    keeper: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    record = factories.medical_record("P1")
    for number in range(count):
        factories.link(record, factories.tracker_model(model_name=f"Band {number}"))
    MedicalRecordTracker.objects.all().delete()
    with django_assert_max_num_queries(18):
        assert len(restore_pages(keeper, f"{RECORDS}P1/history/")) == count


@pytest.mark.parametrize("count", [2, 20])
def test_the_page_needs_the_same_queries_for_any_number_of_rows(
    keeper: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    numbers = [factories.medical_record(f"P{number}").pk for number in range(count)]
    for number in range(count):
        factories.link(MedicalRecord.objects.get(pk="P1"), factories.tracker_model(model_name=f"Band {number}"))
    delete(keeper, *numbers)
    page, *_ = restore_pages(keeper, f"{RECORDS}P1/history/")
    with django_assert_max_num_queries(17):
        keeper.get(page)
    with django_assert_max_num_queries(79):
        keeper.post(page, ALL)
    assert MedicalRecord.objects.count() == count
