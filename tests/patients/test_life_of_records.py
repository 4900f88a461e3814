"""Whatever people, imports and undos do to records in any order, no value, link or piece of history is lost."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import example, given
from hypothesis import strategies as st

from healthtrack.audit.models import Action, Change
from healthtrack.imports.life_cycle import runs
from healthtrack.imports.life_cycle.undone_runs import is_undoable
from healthtrack.imports.models import ImportRun
from healthtrack.imports.undo.deletions import Deletion, restore
from patients import follows
from patients.edits.merging import compare, merge
from patients.models import MedicalRecord, MedicalRecordTracker
from patients.resources import MedicalRecordResource
from tests.support import factories
from tests.support.finished_imports import apply
from tests.support.import_files import RECORDS, write_csv
from trackers.models import TrackerModel

NUMBERS = st.sampled_from(["P1", "P2", "P3"])
VALUES = st.sampled_from(["", "Nuts", "Milk", "Pollen"])
OPERATIONS = st.one_of(
    st.tuples(st.sampled_from(["add", "edit", "import"]), NUMBERS, VALUES),
    st.tuples(st.sampled_from(["delete", "restore"]), NUMBERS, st.just("")),
    st.tuples(st.just("merge"), NUMBERS, NUMBERS),
    st.tuples(st.just("undo"), st.just(""), st.just("")),
)


@dataclass
class Oracle:
    """Knows what must be stored: for each patient, the allergies after each operation, None without a record."""

    person: User
    model: TrackerModel
    folder: Path
    states: dict[str, list[tuple[int, str | None]]] = field(default_factory=lambda: defaultdict(lambda: [(0, None)]))
    step: int = 0
    undoable: list[tuple[ImportRun, int]] = field(default_factory=list)

    def now(self, number: str) -> str | None:
        return self.states[number][-1][1]

    def write(self, number: str, value: str | None) -> None:
        self.states[number].append((self.step, value))

    def run(self, name: str, first: str, second: str) -> None:
        self.step += 1
        getattr(self, f"do_{name}")(first, second)

    def do_add(self, number: str, value: str) -> None:
        if self.now(number) is None:
            factories.link(factories.medical_record(number, allergies=value), self.model)
            self.write(number, value)

    def do_edit(self, number: str, value: str) -> None:
        if self.now(number) not in {None, value}:
            MedicalRecord.objects.filter(pk=number).update(allergies=value)
            self.write(number, value)

    def do_import(self, number: str, value: str) -> None:
        row = {"patient_id": number, "allergies": value, "medical_conditions": "", "Tracker": "", **PERSON}
        run = RECORDS.run(write_csv(self.folder / "rows.csv", RECORDS.rows(row))).run
        stored = MedicalRecord.objects.filter(pk=number).values_list("allergies", flat=True).first()
        if stored != self.now(number):
            assert stored == value
            self.write(number, stored)
            self.undoable.append((run, self.step))

    def do_delete(self, number: str, _: str) -> None:
        follows.delete([number])
        MedicalRecord.objects.filter(pk=number).delete()
        if self.now(number) is not None:
            self.write(number, None)

    def do_restore(self, number: str, _: str) -> None:
        deletions = Change.objects.filter(patient_id=number, table_name="medical_records", action=Action.DELETE)
        deletion = Deletion(deletions.latest("change_id")) if deletions else None
        if deletion and deletion.is_latest():
            restore([deletion.change.pk], MedicalRecordResource().after_undo)
            self.write(number, [value for _, value in self.states[number] if value is not None][-1])

    def do_merge(self, target: str, source: str) -> None:
        comparison = compare([target, source])
        if comparison:
            run = merge(target, source, ["allergies"], comparison.version, self.person)
            if self.now(target) != self.now(source):  # the same value is no change, which an undo would leave
                self.write(target, self.now(source))
            self.write(source, None)
            self.undoable.append((run, self.step))

    def do_undo(self, *_: str) -> None:
        if not self.undoable:
            return
        run, step = self.undoable.pop()
        run.refresh_from_db()
        assert is_undoable(run)
        undo = runs.request_undo(run, self.person)
        assert undo
        apply(undo)
        for number, states in list(self.states.items()):
            if states[-1][0] == step:
                self.write(number, states[-2][1])


PERSON = {"name": "Ada Byron", "date_of_birth": "05/17/1980", "gender": "F", "last_appointment_date": ""}


def assert_complete(oracle: Oracle) -> None:
    stored = dict(MedicalRecord.objects.values_list("patient_id", "allergies"))
    assert stored == {number: oracle.now(number) for number in oracle.states if oracle.now(number) is not None}
    linked = MedicalRecordTracker.objects.values_list("patient_id", flat=True)
    assert {*linked} <= stored.keys()
    for number in oracle.states:
        assert_history_has_no_gap(number, stored.get(number))


def assert_history_has_no_gap(number: str, stored: str | None) -> None:
    """Check that each change of the allergies began with the value that the one before had left.

    No change records the rows that imports insert: after a deletion, the next change may begin with any value.
    """
    last: str | None = None
    for change in Change.objects.filter(patient_id=number, table_name="medical_records").order_by("change_id"):
        if change.action == Action.INSERT:
            assert last is None
        if "allergies" in change.fields:
            old, new = change.fields["allergies"]
            assert last in {None, old}
            last = new
    assert last in {None, stored}


@pytest.mark.django_db
@example(
    operations=[
        ("add", "P1", "Nuts"),
        ("add", "P3", ""),
        ("merge", "P1", "P3"),
        ("restore", "P3", ""),
        ("undo", "", ""),
    ]
)
@example(
    operations=[
        ("add", "P1", ""),
        ("import", "P2", ""),
        ("merge", "P2", "P1"),
        ("undo", "", ""),
        ("undo", "", ""),
    ]
)
@given(operations=st.lists(OPERATIONS, min_size=1, max_size=8))
def test_no_value_link_or_history_is_lost(tmp_path: Path, operations: list[tuple[str, str, str]]) -> None:
    with transaction.atomic():
        oracle = Oracle(factories.staff(username="steward"), factories.tracker_model(), tmp_path)
        for operation in operations:
            oracle.run(*operation)
            assert_complete(oracle)
        transaction.set_rollback(True)
