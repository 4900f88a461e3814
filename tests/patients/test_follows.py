"""Merging, deleting and restoring records call each part that follows a patient, also when they are undone."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from healthtrack.imports.life_cycle import runs
from healthtrack.imports.models import ImportRun
from healthtrack.imports.undo import service as undo_service
from patients import follows
from patients.edits.bulk_actions import DeleteRecords
from patients.edits.merging import get_version, merge
from patients.models import FormerNumber, MedicalRecord, MedicalRecordTracker
from patients.parts import FormerNumbers, TrackerLinks
from patients.resources import MedicalRecordResource
from tests.support import factories
from tests.support.finished_imports import apply
from tests.support.import_files import RECORDS, write_csv
from tests.support.page import Page
from tests.support.signing_in import AsRole

LIST = "/admin/patients/medicalrecord/"


class Dummy(follows.Part):
    """A part that notes its calls, and the records that exist then. It has data of the patients in `needed`."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.needed: set[str] = set()
        self.calls: list[tuple[Any, ...]] = []

    def merge(self, source: str, target: str) -> int:
        self._note("merge", source, target)
        return 0

    def delete(self, numbers: Sequence[str]) -> None:
        self._note("delete", *sorted(numbers))

    def restore(self, numbers: Sequence[str]) -> None:
        self._note("restore", *sorted(numbers))

    def find_conflicts(self, numbers: Sequence[str]) -> Collection[str]:
        return self.needed.intersection(numbers)

    def erase(self, numbers: Sequence[str]) -> None:
        self._note("erase", *numbers)

    def _note(self, what: str, *numbers: str) -> None:
        assert MedicalRecord.objects.filter(pk__in=numbers).count() == len(numbers)
        self.calls.append((what, *numbers))


@pytest.fixture
def part() -> Iterator[Dummy]:
    part = Dummy()
    follows.register(part)
    yield part
    follows.unregister(part)


@pytest.fixture
def administrator(as_role: AsRole) -> Client:
    return as_role("Administrator")


@pytest.fixture
def person(db: None) -> Any:
    return factories.staff()


def make_records(*numbers: str) -> None:
    for number in numbers:
        factories.medical_record(number, name="Ada Byron")


def undo(run: ImportRun, person: Any) -> ImportRun:
    undo_run = runs.request_undo(run, person)
    assert undo_run
    return apply(undo_run)


def import_records(folder: Path, *numbers: str) -> ImportRun:
    rows = RECORDS.rows(*({"patient_id": number} for number in numbers))
    return RECORDS.run(write_csv(folder / "rows.csv", rows)).run


def exist() -> set[str]:
    return set(MedicalRecord.objects.values_list("pk", flat=True))


def test_a_registered_part_is_called_for_each_operation(administrator: Client, part: Dummy) -> None:
    make_records("P1", "P2")
    administrator.post(f"{LIST}P2/delete/", {"post": "yes"})
    restore, *_ = Page.get(administrator, f"{LIST}P2/history/").addresses("td a.button")
    administrator.post(restore)
    administrator.post(f"{LIST}merge/?first=P1&second=P2", {"target": "P1", "version": str(get_version(["P1", "P2"]))})
    chosen = {"action": "delete_records", "_selected_action": ["P1"], "step": "confirm", "count": "1"}
    administrator.post(LIST, chosen)
    assert part.calls == [("delete", "P2"), ("restore", "P2"), ("merge", "P2", "P1"), ("delete", "P1")]


class TestUndo:
    def test_the_undo_of_an_import_deletes_and_its_undo_restores(
        self, person: Any, part: Dummy, tmp_path: Path
    ) -> None:
        undo_run = undo(import_records(tmp_path, "P1", "P2"), person)
        assert part.calls == [("delete", "P1", "P2")]
        undo(undo_run, person)
        assert part.calls[1:] == [("restore", "P1", "P2")]

    def test_a_record_that_stays_is_not_restored(self, person: Any, part: Dummy, tmp_path: Path) -> None:
        make_records("P1")
        undo(import_records(tmp_path, "P1"), person)
        assert part.calls == []

    def test_patients_whose_data_a_part_holds_are_left_as_a_conflict(
        self, person: Any, part: Dummy, tmp_path: Path
    ) -> None:
        factories.tracker_model("Xiaomi", "Band 2")
        run = import_records(tmp_path, "P1", "P2")
        model = factories.tracker_model("Xiaomi", "Band 9")
        factories.link(MedicalRecord.objects.get(pk="P2"), model, "import")
        part.needed = {"P2", "P9"}
        seen = undo_service.preview(MedicalRecordResource(), run)
        assert (seen.conflict_count, [each.reason for each in seen.conflicts]) == (1, ["Other data belongs to it."])
        conflicts = undo_service.get_conflicts(undo(run, person))
        assert [(each.entry.name, each.reason) for each in conflicts] == [("P2", "Other data belongs to it.")]
        assert exist() == {"P2"}
        assert MedicalRecordTracker.objects.filter(patient="P2").count() == 2
        assert part.calls == [("delete", "P1")]

    def test_undoing_a_bulk_deletion_restores_and_its_undo_deletes(self, person: Any, part: Dummy) -> None:
        make_records("P1", "P2")
        part.needed = {"P1"}  # its data was restored with the record
        undo_run = undo(DeleteRecords().apply(MedicalRecord.objects.all(), {}, 2, person), person)
        undo(undo_run, person)
        assert part.calls == [("delete", "P1", "P2"), ("restore", "P1", "P2"), ("delete", "P1", "P2")]
        assert exist() == set()

    def test_undoing_a_merge_restores_and_its_undo_merges_again(self, person: Any, part: Dummy) -> None:
        make_records("P1", "P2")
        factories.link(MedicalRecord.objects.get(pk="P2"), factories.tracker_model())
        undo_run = undo(merge("P1", "P2", [], get_version(["P1", "P2"]), person), person)
        undo(undo_run, person)
        assert part.calls == [("merge", "P2", "P1"), ("restore", "P2"), ("merge", "P2", "P1")]
        assert exist() == {"P1"}
        assert dict(FormerNumber.objects.values_list("number", "patient_id")) == {"P2": "P1"}
        assert MedicalRecordTracker.objects.filter(patient="P1").exists()

    @pytest.mark.parametrize("changed", ["P1", "P2"])
    def test_a_merge_is_not_applied_again_if_one_of_both_has_changed(
        self, person: Any, part: Dummy, changed: str
    ) -> None:
        make_records("P1", "P2")
        MedicalRecord.objects.filter(pk="P2").update(allergies="Pollen")
        undo_run = undo(merge("P1", "P2", ["allergies"], get_version(["P1", "P2"]), person), person)
        MedicalRecord.objects.filter(pk=changed).update(medical_conditions="Asthma")
        again = undo(undo_run, person)
        assert part.calls == [("merge", "P2", "P1"), ("restore", "P2")]
        assert exist() == {"P1", "P2"}
        assert MedicalRecord.objects.get(pk="P1").allergies == ""
        assert not FormerNumber.objects.exists()
        assert {each.reason for each in undo_service.get_conflicts(again)} == {"It was changed afterwards."}


def test_parts_are_called_in_the_order_of_their_registration(person: Any, tmp_path: Path) -> None:
    run = import_records(tmp_path, "P1")
    first, second = Dummy(), Dummy()
    second.calls = first.calls
    parts = [first, second]
    for each in parts:
        follows.register(each)
    undo(run, person)
    for each in parts:
        follows.unregister(each)
    assert first.calls == [("delete", "P1"), ("delete", "P1")]


def test_erasing_leaves_nothing_of_these_patients(db: None) -> None:
    make_records("P1", "P2")
    model = factories.tracker_model()
    for record in MedicalRecord.objects.all():
        factories.link(record, model)
    FormerNumber.objects.create(number="P0", patient_id="P1")
    for part in (TrackerLinks(), FormerNumbers()):
        part.erase(["P1"])
    assert not FormerNumber.objects.exists()
    assert set(MedicalRecordTracker.objects.values_list("patient", flat=True)) == {"P2"}
