"""A patient's tracker links, edited on the record's page through their composite key."""

import json
from typing import Any

import pytest
from django.test import Client

from patients.models import MedicalRecord, MedicalRecordTracker
from tests.support import factories
from tests.support.signing_in import SignIn
from trackers.models import TrackerModel

UNKNOWN = "A row of this list does not exist."
Row = dict[str, str]


@pytest.fixture
def record(db: None) -> MedicalRecord:
    return factories.medical_record(tracker="Something else")


def existing(link: MedicalRecordTracker, **values: str) -> Row:
    return {"pk": json.dumps(link.pk), "patient": link.patient_id, **values}


def new(model: TrackerModel) -> Row:
    return {"model": str(model.pk)}


def form(*rows: Row, **values: str) -> Row:
    person = {"patient_id": "P1", "name": "Ada Byron", "date_of_birth": "1980-05-17", "gender": "F"}
    data = {**person, "tracker": "Something else", **values}
    data["tracker_links-TOTAL_FORMS"] = str(len(rows))
    data["tracker_links-INITIAL_FORMS"] = str(sum("pk" in row for row in rows))
    for number, row in enumerate(rows):
        data |= {f"tracker_links-{number}-{field}": value for field, value in row.items()}
    return data


def save(browser: Client, *rows: Row, number: str = "P1", **values: str) -> Any:
    return browser.post(f"/admin/patients/medicalrecord/{number}/change/", form(*rows, **values))


def links(record: MedicalRecord) -> set[tuple[str, str]]:
    return {(str(link.model), link.source) for link in record.tracker_links.select_related("model")}


def unlinked(record: MedicalRecord) -> list[int]:
    return MedicalRecord.objects.get(pk=record.pk).unlinked_model_ids


def test_the_page_writes_the_key_of_a_link_as_json_and_its_model_as_text(keeper: Client, record: MedicalRecord) -> None:
    link = factories.link(record, factories.tracker_model(), "import")
    text = keeper.get("/admin/patients/medicalrecord/P1/change/").content.decode()
    assert f'value="[&quot;P1&quot;, {link.model_id}]"' in text
    assert 'name="tracker_links-0-model"' not in text
    assert "Import" in text


def test_a_link_added_by_hand_has_the_source_staff(keeper: Client, record: MedicalRecord) -> None:
    assert save(keeper, new(factories.tracker_model())).status_code == 302
    assert links(record) == {("Xiaomi Band 2", "staff")}


def test_links_stay_if_only_the_letter_case_of_the_reported_tracker_changes(
    keeper: Client, record: MedicalRecord
) -> None:
    link = factories.link(record, factories.tracker_model())
    assert save(keeper, existing(link), tracker="SOMETHING else").status_code == 302
    assert links(record) == {("Xiaomi Band 2", "staff")}


@pytest.mark.parametrize(("tracker", "stay"), [("mi band", True), ("Band 2", True), ("Fenix", False)])
def test_links_stay_if_the_reported_tracker_still_means_the_same(
    keeper: Client, record: MedicalRecord, tracker: str, stay: bool
) -> None:
    reported, added = factories.tracker_model(), factories.tracker_model(model_name="Band 3")
    factories.tracker_alias("Mi Band", reported)
    MedicalRecord.objects.update(tracker="Xiaomi Band 2")
    link = factories.link(record, added)
    assert save(keeper, existing(link), tracker=tracker).status_code == 302
    assert links(record) == ({("Xiaomi Band 3", "staff")} if stay else set())


def test_one_save_can_leave_remove_and_add_links(keeper: Client, record: MedicalRecord) -> None:
    left, removed, added = (factories.tracker_model(model_name=f"Band {number}") for number in (1, 2, 3))
    rows = existing(factories.link(record, left, "import")), existing(factories.link(record, removed), DELETE="on")
    assert save(keeper, *rows, new(added)).status_code == 302
    assert links(record) == {("Xiaomi Band 1", "import"), ("Xiaomi Band 3", "staff")}


def test_a_removed_link_is_noted_until_the_model_is_linked_again(keeper: Client, record: MedicalRecord) -> None:
    model = factories.tracker_model()
    save(keeper, existing(factories.link(record, model, "import"), DELETE="on"))
    assert unlinked(record) == [model.pk]
    save(keeper, new(model))
    assert unlinked(record) == []


def test_removing_and_adding_a_model_in_one_save_makes_a_link_by_staff(keeper: Client, record: MedicalRecord) -> None:
    model = factories.tracker_model()
    save(keeper, existing(factories.link(record, model, "import"), DELETE="on"), new(model))
    assert links(record) == {("Xiaomi Band 2", "staff")}
    assert unlinked(record) == []


def test_a_model_selected_twice_is_rejected_with_an_error(keeper: Client, record: MedicalRecord) -> None:
    model = factories.tracker_model()
    text = save(keeper, new(model), new(model)).content.decode()
    assert "Xiaomi Band 2 is selected twice. Select it once." in text
    assert links(record) == set()


def test_a_model_that_is_already_linked_is_rejected_with_an_error(keeper: Client, record: MedicalRecord) -> None:
    link = factories.link(record, factories.tracker_model(), "import")
    text = save(keeper, existing(link), new(link.model)).content.decode()
    assert "Xiaomi Band 2 is already linked to this patient." in text
    assert links(record) == {("Xiaomi Band 2", "import")}


def test_an_unknown_or_missing_model_is_rejected_with_an_error(keeper: Client, record: MedicalRecord) -> None:
    text = save(keeper, {"model": "0"}).content.decode()
    assert "That choice is not one of the available choices." in text
    assert "Select a valid choice" in text


def test_a_link_added_in_the_save_that_also_relinks_it_is_by_staff(keeper: Client, record: MedicalRecord) -> None:
    old, reported, added = (factories.tracker_model(model_name=f"Band {number}") for number in (1, 2, 3))
    row = existing(factories.link(record, old))
    assert save(keeper, row, new(reported), new(added), tracker="Band 2").status_code == 302
    assert links(record) == {("Xiaomi Band 2", "staff"), ("Xiaomi Band 3", "staff")}


def test_a_new_record_has_links_by_hand_and_by_its_reported_tracker(keeper: Client) -> None:
    reported, added = factories.tracker_model(), factories.tracker_model(model_name="Band 3")
    rows = form(new(added), new(reported), tracker="Band 2")
    assert keeper.post("/admin/patients/medicalrecord/add/", rows).status_code == 302
    record = MedicalRecord.objects.get()
    assert links(record) == {("Xiaomi Band 2", "staff"), ("Xiaomi Band 3", "staff")}


def test_removing_a_link_that_relinking_also_removes_is_no_error(keeper: Client, record: MedicalRecord) -> None:
    link = factories.link(record, factories.tracker_model())
    assert save(keeper, existing(link, DELETE="on"), tracker="Nothing known").status_code == 302
    assert links(record) == set()


def test_a_linked_model_may_be_added_again_if_the_reported_tracker_changes(
    keeper: Client, record: MedicalRecord
) -> None:
    link = factories.link(record, factories.tracker_model(), "import")
    assert save(keeper, existing(link), new(link.model), tracker="Nothing known").status_code == 302
    assert links(record) == {("Xiaomi Band 2", "staff")}


@pytest.mark.parametrize("deletion", [{}, {"DELETE": "on"}], ids=["left", "removed"])
@pytest.mark.parametrize(
    "key",
    [
        "",
        "('P1', 5)",
        "null",
        "5",
        "[]",
        "{}",
        '["P1"]',
        '["P1", 5, 6]',
        '["P1", "x"]',
        '["P1", {}]',
        '["P1", Infinity]',
        '["P1", ' + "9" * 5000 + "]",
        "[" * 100_000,
    ],
    ids=lambda key: key[:20],
)
def test_an_invalid_key_gives_an_error(keeper: Client, record: MedicalRecord, key: str, deletion: Row) -> None:
    factories.link(record, factories.tracker_model())
    answer = save(keeper, {"pk": key, "patient": "P1", **deletion})
    assert answer.status_code == 200
    assert UNKNOWN in answer.content.decode()
    assert links(record) == {("Xiaomi Band 2", "staff")}


@pytest.mark.parametrize("key", ['["P1", null]', '["P1", 0]', '["P\\u0000", 5]'])
def test_a_key_of_no_link_is_left_out(keeper: Client, record: MedicalRecord, key: str) -> None:
    factories.link(record, factories.tracker_model())
    assert save(keeper, {"pk": key, "patient": "P1", "DELETE": "on"}).status_code == 302
    assert links(record) == {("Xiaomi Band 2", "staff")}


def test_a_row_without_a_key_gives_an_error(keeper: Client, record: MedicalRecord) -> None:
    answer = keeper.post(
        "/admin/patients/medicalrecord/P1/change/",
        form() | {"tracker_links-TOTAL_FORMS": "1", "tracker_links-INITIAL_FORMS": "1"},
    )
    assert UNKNOWN in answer.content.decode()


def test_the_link_of_another_patient_cannot_be_changed(keeper: Client, record: MedicalRecord) -> None:
    other = factories.medical_record("P2")
    link = factories.link(other, factories.tracker_model())
    for patient in ("P1", "P2"):
        row = {**existing(link, DELETE="on"), "patient": patient, "model": str(link.model_id)}
        assert save(keeper, row).status_code == 302
    assert links(other) == {("Xiaomi Band 2", "staff")}


def test_a_new_row_cannot_name_another_patient(keeper: Client, record: MedicalRecord) -> None:
    other = factories.medical_record("P2")
    answer = save(keeper, {**new(factories.tracker_model()), "patient": "P2"})
    assert answer.status_code == 200
    assert links(other) == links(record) == set()


def test_a_model_sent_for_an_existing_link_is_ignored(keeper: Client, record: MedicalRecord) -> None:
    linked, other = (factories.link(record, factories.tracker_model(model_name=name)) for name in ("Band 1", "Band 2"))
    model = str(other.model_id)
    save(keeper, existing(linked, model=model, DELETE="on"), existing(other, model="0", source="import"))
    assert links(record) == {("Xiaomi Band 2", "staff")}
    assert unlinked(record) == [linked.model_id]


def test_a_link_that_somebody_else_deleted_is_left_out(keeper: Client, record: MedicalRecord) -> None:
    models = [factories.tracker_model(model_name=f"Band {number}") for number in (1, 2)]
    rows = [existing(factories.link(record, model), DELETE="on") for model in models]
    record.tracker_links.get(model=models[0]).delete()
    assert save(keeper, *rows).status_code == 302
    assert links(record) == set()


def test_the_same_key_sent_twice_deletes_one_link(keeper: Client, record: MedicalRecord) -> None:
    row = existing(factories.link(record, factories.tracker_model()), DELETE="on")
    assert save(keeper, row, row).status_code == 302
    assert links(record) == set()


def test_people_who_may_only_add_records_cannot_link_existing_ones(sign_in: SignIn) -> None:
    model = factories.tracker_model()
    record = factories.medical_record("P2")
    clerk = sign_in("patients.add_medicalrecord", "trackers.view_trackermodel")
    assert clerk.post("/admin/patients/medicalrecord/add/", form(new(model))).status_code == 302
    assert save(clerk, new(model), number="P2").status_code == 403
    assert MedicalRecordTracker.objects.get().patient_id == "P1"
    assert links(record) == set()
