"""Possible duplicates: find them, compare two records, merge them, and undo the merge."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from healthtrack.audit.models import Access, Change
from healthtrack.imports.models import ImportRun
from patients.models import FormerNumber, MedicalRecord, MedicalRecordTracker
from tests.support import factories
from tests.support.forms import Form, form_with
from tests.support.import_files import RECORDS, write_csv
from tests.support.import_pages import run_jobs
from tests.support.page import Page
from tests.support.role_holders import make_person
from tests.support.signing_in import AsRole, client_for

LIST = "/admin/patients/medicalrecord/"
MERGE = f"{LIST}merge/?first=P1&second=P2"


@pytest.fixture
def records(db: None) -> tuple[MedicalRecord, MedicalRecord]:
    """Return two records of one person: both have a model, and each has one of its own."""
    first = factories.medical_record(
        "P1", name="Ada Byron", allergies="Nuts", medical_conditions="Asthma", tracker="Band 0"
    )
    values = {"name": "ada byron", "allergies": "Milk", "last_appointment_date": "2024-01-02", "tracker": "Band 2"}
    second = factories.medical_record("P2", **values)
    shared, one, two = (factories.tracker_model(model_name=f"Band {number}") for number in range(3))
    MedicalRecordTracker.objects.all().delete()
    for record, model, source in (
        (first, shared, "import"),
        (second, shared, "staff"),
        (first, one, "staff"),
        (second, two, "import"),
    ):
        factories.link(record, model, source)
    return first, second


def comparison(client: Client) -> Form:
    return form_with(client.get(MERGE), "version")


def merge(client: Client, **chosen: str) -> Any:
    form = comparison(client)
    return client.post(MERGE, {**form.fields, **chosen}, follow=True)


def links() -> set[tuple[str, str, str]]:
    rows = MedicalRecordTracker.objects.values_list("patient_id", "model__model_name", "source")
    return set(rows)


def state() -> list[Any]:
    """Return all rows that a merge may change."""
    return [
        list(model.objects.order_by("pk").values()) for model in (MedicalRecord, MedicalRecordTracker, FormerNumber)
    ]


def test_the_page_compares_both_records(steward: Client, records: Any) -> None:
    page = Page.get(steward, MERGE)
    rows = {cells[0]: cells[1:] for cells in page.rows()}
    assert rows["Allergies"] == ["Nuts (allergies of P1)", "Milk (allergies of P2)"]
    assert rows["Gender"] == ["Female", "Female"]
    assert rows["Linked trackers"] == ["Xiaomi Band 0, Xiaomi Band 1", "Xiaomi Band 0, Xiaomi Band 2"]
    access = Access.objects.get(page="admin:patients_medicalrecord_merge")
    assert sorted(access.patient_ids or []) == ["P1", "P2"]


def test_the_target_gets_the_chosen_values_and_the_links_of_both(steward: Client, records: Any) -> None:
    answer = merge(steward, target="P1", name="P1", allergies="P2", last_appointment_date="P2", medical_conditions="P1")
    assert answer.redirect_chain[-1][0] == f"{LIST}P1/change/"
    assert "Merged P2 into P1." in Page.of(answer).text
    record = MedicalRecord.objects.get()
    assert (record.pk, record.name, record.allergies, record.medical_conditions) == (
        "P1",
        "Ada Byron",
        "Milk",
        "Asthma",
    )
    assert str(record.last_appointment_date) == "2024-01-02"
    assert record.link_count == 3
    assert links() == {("P1", "Band 0", "staff"), ("P1", "Band 1", "staff"), ("P1", "Band 2", "import")}


def test_a_value_that_only_one_record_has_is_chosen_at_first(steward: Client, records: Any) -> None:
    merge(steward, target="P1")
    record = MedicalRecord.objects.get()
    assert (record.allergies, record.medical_conditions, str(record.last_appointment_date)) == (
        "Nuts",
        "Asthma",
        "2024-01-02",
    )


def test_the_comparison_shows_what_other_apps_say_of_both(steward: Client, records: Any) -> None:
    rows = {cells[0]: cells[1:] for cells in Page.get(steward, MERGE).rows()}
    assert rows["Readings"] == ["None yet", "None yet"]


def test_the_second_record_may_be_the_target(steward: Client, records: Any) -> None:
    merge(steward, target="P2", name="P1", allergies="P1")
    record = MedicalRecord.objects.get()
    assert (record.pk, record.name, record.allergies) == ("P2", "Ada Byron", "Nuts")
    assert FormerNumber.objects.get().number == "P1"


def test_models_that_staff_unlinked_stay_unlinked_unless_one_record_has_them(steward: Client, records: Any) -> None:
    two = MedicalRecordTracker.objects.get(patient="P2", model__model_name="Band 2").model_id
    MedicalRecord.objects.filter(pk="P1").update(unlinked_model_ids=[two, 4711])
    merge(steward)
    assert MedicalRecord.objects.get().unlinked_model_ids == [4711]


def test_the_latest_changes_of_both_are_shown_to_people_who_may_view_histories(steward: Client, records: Any) -> None:
    MedicalRecord.objects.filter(pk="P2").update(allergies="Pollen")
    (row,) = [cells for cells in Page.get(steward, MERGE).rows() if cells[0] == "Latest changes"]
    assert "medical record changed (allergies)" in row[2]
    assert "changed (allergies)" not in row[1]
    merger = client_for(factories.staff("patients.view_medicalrecord", "patients.merge_medicalrecord"))
    assert "Latest changes" not in Page.get(merger, MERGE).text


@pytest.mark.parametrize("count", [1, 30])
def test_the_comparison_needs_the_same_queries_for_any_number_of_links(
    steward: Client, records: Any, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        factories.link(records[1], factories.tracker_model("Honor", f"Ring {number}"))
    with django_assert_max_num_queries(25):
        steward.get(MERGE)


class TestFormerNumbers:
    def test_the_other_number_finds_the_target(self, steward: Client, records: Any) -> None:
        merge(steward)
        found = steward.post(LIST, {"q": "p2"}, follow=True)
        assert "Ada Byron" in Page.of(found).text
        answer = steward.get(f"{LIST}P2/change/", follow=True)
        assert answer.redirect_chain[-1][0] == f"{LIST}P1/change/"
        assert "The record P2 was merged into this one." in Page.of(answer).text

    def test_a_second_merge_moves_the_former_numbers(self, steward: Client, records: Any) -> None:
        merge(steward)
        factories.medical_record("P0", name="Ada Byron")
        address = f"{LIST}merge/?first=P0&second=P1"
        steward.post(address, form_with(steward.get(address), "version").fields)
        assert dict(FormerNumber.objects.values_list("number", "patient_id")) == {"P1": "P0", "P2": "P0"}

    def test_a_file_with_the_other_number_is_held_back(self, steward: Client, records: Any, tmp_path: Path) -> None:
        merge(steward)
        answer = RECORDS.run(write_csv(tmp_path / "rows.csv", RECORDS.rows({"patient_id": "P2"}, {"patient_id": "P3"})))
        assert answer.result.held == {"merged-patient": 1}
        assert set(MedicalRecord.objects.values_list("pk", flat=True)) == {"P1", "P3"}

    def test_nobody_adds_a_record_with_a_former_number(self, steward: Client, records: Any) -> None:
        merge(steward)
        keeper = client_for(make_person("Record keeper", username="keeper"))
        person = {"patient_id": "P2", "name": "Grace", "date_of_birth": "1980-05-17", "gender": "F"}
        rows = {"tracker_links-TOTAL_FORMS": "0", "tracker_links-INITIAL_FORMS": "0"}
        answer = keeper.post(f"{LIST}add/", {**person, **rows})
        assert "P2 was merged into P1. Change that record instead." in Page.of(answer).text


class TestUndo:
    def test_a_merge_is_undone_as_one_step(self, steward: Client, records: Any) -> None:
        before = state()
        merge(steward, name="P2", allergies="P2", last_appointment_date="P2")
        run = ImportRun.objects.get()
        page = Page.get(steward, f"/admin/imports/importrun/{run.pk}/change/").text
        assert "Merge of two medical records" in page
        assert "Undo this edit" in page
        steward.post(f"/admin/imports/importrun/{run.pk}/undo/")
        run_jobs()
        assert state() == before

    def test_what_somebody_changed_after_the_merge_stays(self, steward: Client, records: Any) -> None:
        merge(steward, allergies="P2")
        MedicalRecord.objects.update(name="Ada King")
        run = ImportRun.objects.get()
        steward.post(f"/admin/imports/importrun/{run.pk}/undo/")
        run_jobs()
        assert MedicalRecord.objects.get(pk="P1").name == "Ada King"

    def test_the_history_of_both_names_the_edit(self, steward: Client, records: Any) -> None:
        merge(steward, allergies="P2")
        run = ImportRun.objects.get()
        for number in ("P1", "P2"):
            assert Change.objects.filter(patient_id=number, run_id=run.pk).exists()
            assert str(run.pk) in Page.get(steward, f"{LIST}{number}/history/").text


class TestErrors:
    def test_a_record_that_changed_since_is_compared_again(self, steward: Client, records: Any) -> None:
        form = comparison(steward)
        MedicalRecord.objects.filter(pk="P2").update(name="Ada King")
        answer = steward.post(MERGE, form.fields)
        assert "Somebody changed one of these records since you opened this page." in Page.of(answer).text
        assert MedicalRecord.objects.count() == 2

    def test_the_choices_stay_after_an_error(self, steward: Client, records: Any) -> None:
        form = comparison(steward)
        MedicalRecord.objects.filter(pk="P2").update(name="Ada King")
        again = form_with(steward.post(MERGE, {**form.fields, "target": "P2", "allergies": "P2"}), "version")
        assert (again.fields["target"], again.fields["allergies"], again.fields["name"]) == ("P2", "P2", "P1")

    def test_values_that_do_not_fit_each_other_are_refused(self, steward: Client, records: Any) -> None:
        MedicalRecord.objects.filter(pk="P1").update(date_of_birth="2024-06-01", last_appointment_date=None)
        answer = merge(steward, date_of_birth="P1", last_appointment_date="P2")
        assert "The last appointment is before the date of birth." in Page.of(answer).text
        assert MedicalRecord.objects.count() == 2

    @pytest.mark.parametrize("version", ["", "x", "9" * 40])
    def test_an_invalid_version_is_an_outdated_one(self, steward: Client, records: Any, version: str) -> None:
        assert "Somebody changed one" in Page.of(merge(steward, version=version)).text

    def test_the_number_to_keep_must_be_one_of_both(self, steward: Client, records: Any) -> None:
        assert "Choose the number to keep." in Page.of(merge(steward, target="P3")).text

    @pytest.mark.parametrize("query", ["?first=P1&second=P1", "?first=P1&second=P9", "?first=P1&second=%00"])
    def test_without_two_records_the_list_says_so(self, steward: Client, records: Any, query: str) -> None:
        answer = steward.get(f"{LIST}merge/{query}", follow=True)
        assert "One of these records does not exist. Select two records." in Page.of(answer).text


def test_the_page_needs_its_permission(records: Any) -> None:
    reader = client_for(factories.staff("patients.view_medicalrecord", "patients.change_medicalrecord"))
    merger = client_for(factories.staff("patients.merge_medicalrecord", username="merger"))
    for client in (reader, merger):
        assert client.get(MERGE).status_code == 403
        assert client.post(MERGE).status_code == 403
    assert Client().get(MERGE).status_code == 302


def test_the_list_leads_to_the_comparison_of_two_selected_records(steward: Client, records: Any) -> None:
    chosen = {"action": "compare_selected", "_selected_action": ["P1", "P2"]}
    assert steward.post(LIST, chosen)["Location"] == MERGE
    answer = steward.post(LIST, {**chosen, "_selected_action": ["P1"]}, follow=True)
    assert "Select two records to compare them." in Page.of(answer).text


class TestGoingThrough:
    def test_the_page_shows_one_pair_of_possible_duplicates_after_the_other(
        self, steward: Client, records: Any
    ) -> None:
        for number in ("P8", "P9"):
            factories.medical_record(number, name="Grace Hopper")
        first = steward.get(f"{LIST}merge/")
        assert first["Location"] == MERGE
        (following,) = [href for href in Page.get(steward, MERGE).addresses("a.button") if "after=" in href]
        assert steward.get(following)["Location"] == f"{LIST}merge/?first=P8&second=P9"
        last = steward.get(f"{LIST}merge/?after=P8", follow=True)
        assert "There are no more possible duplicates." in Page.of(last).text

    def test_without_duplicates_the_list_says_so(self, steward: Client) -> None:
        factories.medical_record("P1")
        answer = steward.get(f"{LIST}merge/", follow=True)
        assert "There are no possible duplicates." in Page.of(answer).text

    def test_data_quality_leads_there_for_people_who_may_merge(self, steward: Client, records: Any) -> None:
        address = "/reports/data-quality/"
        assert f"{LIST}merge/" in Page.get(steward, address).addresses()
        analyst = client_for(make_person("Analyst"))
        assert f"{LIST}merge/" not in Page.get(analyst, address).addresses()


class TestHints:
    def test_the_page_of_a_record_lists_possible_duplicates(self, steward: Client, records: Any) -> None:
        page = Page.get(steward, f"{LIST}P1/change/")
        assert "1 other record has the same name and date of birth." in page.text
        assert MERGE in page.addresses()
        access = Access.objects.filter(page="admin:patients_medicalrecord_change").latest("access_id")
        assert sorted(access.patient_ids or []) == ["P1", "P2"]

    def test_adding_a_possible_duplicate_needs_a_confirmation(self, as_role: AsRole, records: Any) -> None:
        keeper = as_role("Record keeper")
        person = {"patient_id": "P3", "name": "ADA BYRON", "date_of_birth": "1980-05-17", "gender": "F"}
        rows = {"tracker_links-TOTAL_FORMS": "0", "tracker_links-INITIAL_FORMS": "0"}
        page = Page.of(keeper.post(f"{LIST}add/", {**person, **rows}))
        assert "2 records have the same name and date of birth." in page.text
        assert not MedicalRecord.objects.filter(pk="P3").exists()
        assert Access.objects.filter(page="admin:patients_medicalrecord_add").exists()
        keeper.post(f"{LIST}add/", {**person, **rows, "is_another_person": "yes"})
        assert MedicalRecord.objects.filter(pk="P3").exists()

    def test_people_who_may_not_view_records_are_shown_no_duplicates(self, records: Any) -> None:
        client = client_for(factories.staff("patients.add_medicalrecord"))
        person = {"patient_id": "P3", "name": "Ada Byron", "date_of_birth": "1980-05-17", "gender": "F"}
        rows = {"tracker_links-TOTAL_FORMS": "0", "tracker_links-INITIAL_FORMS": "0"}
        assert client.post(f"{LIST}add/", {**person, **rows}).status_code == 302
