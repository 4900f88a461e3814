"""An undo takes back everything that an import did, except what somebody has changed since."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from healthtrack.audit.models import Change
from healthtrack.imports.life_cycle import runs
from healthtrack.imports.life_cycle.outcomes import AlreadyUndoneError
from healthtrack.imports.life_cycle.undone_runs import is_undoable
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.undo import service as undo_service
from patients.models import MedicalRecord, MedicalRecordTracker
from patients.resources import MedicalRecordResource
from tests.support import factories
from tests.support.finished_imports import apply, get_result
from tests.support.import_files import CATALOGUE, MODELS, RECORDS, TABLES, Kind, Row, write_csv
from trackers.models import FitnessTracker, TrackerModel

Import = Callable[..., ImportRun]
pytestmark = pytest.mark.django_db


def import_rows(folder: Path, kind: Kind, *changes: Row) -> ImportRun:
    result = kind.run(write_csv(folder / "rows.csv", kind.rows(*changes)))
    assert result.run.state == State.APPLIED, [str(error) for error in result.errors]
    return result.run


@pytest.fixture
def imported(tmp_path: Path) -> Import:
    return lambda kind, *changes: import_rows(tmp_path, kind, *changes)


def undo(run: ImportRun) -> ImportRun:
    person = User.objects.first() or factories.staff()
    undo_run = runs.request_undo(run, person)
    assert undo_run, f"{run} cannot be undone"
    return apply(undo_run)


def stored() -> dict[str, list[dict[str, Any]]]:
    """Return all rows, with the imports that inserted them."""
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in TABLES}


def count_undone(run: ImportRun, table: str) -> tuple[int, int, int, int]:
    """Return how many rows of the table were deleted, reverted, restored and skipped."""
    (counts,) = (counts for counts in get_result(run).tables if counts.table == table)
    return counts.removed, counts.changed, counts.new, counts.left


def reasons(run: ImportRun) -> list[tuple[str, str]]:
    return [(conflict.entry.name, conflict.reason) for conflict in undo_service.get_conflicts(run)]


class TestWhatItUndoes:
    def test_new_records_and_their_links_are_deleted(self, imported: Import) -> None:
        imported(CATALOGUE, {})
        before = stored()
        undo_run = undo(imported(RECORDS, {}, {}))
        assert stored() == before
        assert count_undone(undo_run, "medical_records") == (2, 0, 0, 0)
        assert count_undone(undo_run, "medical_record_and_trackers") == (2, 0, 0, 0)

    def test_changed_records_get_their_old_values_and_links_back(self, imported: Import) -> None:
        imported(CATALOGUE, {}, {"Model Name": "Band 3"})
        imported(RECORDS, {}, {"last_appointment_date": ""}, {})
        before = stored()
        change = {"Tracker": "Band 3", "name": "Ada Lovelace", "last_appointment_date": "01/02/2025"}
        undo_run = undo(imported(RECORDS, change, change, {}))
        assert stored() == before
        assert count_undone(undo_run, "medical_records") == (0, 2, 0, 0)
        assert count_undone(undo_run, "medical_record_and_trackers") == (2, 0, 2, 0)

    def test_links_and_unlinked_models_of_staff_are_restored_too(self, imported: Import) -> None:
        imported(CATALOGUE, {}, {"Model Name": "Band 3"})
        imported(RECORDS, {})
        (model,) = TrackerModel.objects.filter(model_name="Band 3")
        factories.link(MedicalRecord.objects.get(), model)
        MedicalRecordTracker.objects.filter(source="import").delete()
        MedicalRecord.objects.update(unlinked_model_ids=[TrackerModel.objects.get(model_name="Band 2").pk])
        before = stored()
        undo(imported(RECORDS, {"Tracker": "Nothing known"}))
        assert stored() == before

    def test_new_models_variants_and_the_links_to_them_are_deleted(self, imported: Import) -> None:
        imported(RECORDS, {}, {"Tracker": "Band 9"})
        before = stored()
        undo_run = undo(imported(CATALOGUE, {}, {"Model Name": "Band 9"}))
        assert stored() == before
        assert count_undone(undo_run, "tracker_models") == (2, 0, 0, 0)
        assert count_undone(undo_run, "fitness_trackers") == (2, 0, 0, 0)
        assert count_undone(undo_run, "medical_record_and_trackers") == (2, 0, 0, 0)

    def test_changed_variants_get_their_old_values_back(self, imported: Import) -> None:
        imported(CATALOGUE, {"Rating (Out of 5)": ""}, {})
        before = stored()
        undo(imported(CATALOGUE, {"Selling Price": "1", "Rating (Out of 5)": "2.5"}, {}, {}))
        assert stored() == before

    def test_earlier_records_stay(self, imported: Import) -> None:
        imported(RECORDS, {})
        factories.medical_record("by hand")
        undo(imported(RECORDS, {}, {}))
        assert set(MedicalRecord.objects.values_list("pk", flat=True)) == {"P1", "by hand"}

    def test_undoing_an_import_that_changed_nothing_changes_nothing(self, imported: Import) -> None:
        imported(RECORDS, {})
        before = stored()
        undo_run = undo(imported(RECORDS, {}))
        assert stored() == before
        assert count_undone(undo_run, "medical_records") == (0, 0, 0, 0)

    @pytest.mark.parametrize("kind", [RECORDS, CATALOGUE, MODELS], ids=str)
    def test_the_history_names_the_undo_and_its_person(self, imported: Import, kind: Kind) -> None:
        run = imported(kind, {}, {})
        undo_run = undo(run)
        assert undo_run.undoes == run
        changes = Change.objects.filter(run_id=undo_run.pk)
        assert {(change.action, change.person) for change in changes} == {("delete", undo_run.started_by)}
        assert len(changes) == sum(counts.removed for counts in get_result(undo_run).tables)


class TestUndosOfUndos:
    def test_an_undo_can_be_undone_too(self, imported: Import) -> None:
        imported(CATALOGUE, {}, {"Model Name": "Band 3"})
        imported(RECORDS, {}, {})
        before = stored()
        run = imported(RECORDS, {"Tracker": "Band 3"}, {"name": "Ada Lovelace"}, {})
        after = stored()
        first = undo(run)
        assert stored() == before
        second = undo(first)
        assert stored() == after
        undo(second)
        assert stored() == before

    def test_an_import_can_be_undone_again_after_its_undo_was_undone(self, imported: Import) -> None:
        before = stored()
        run = imported(RECORDS, {})
        undo(undo(run))
        undo(run)
        assert stored() == before

    def test_restored_models_are_linked_to_patients_who_came_meanwhile(self, imported: Import) -> None:
        undo_run = undo(imported(CATALOGUE, {}))
        imported(RECORDS, {})
        undo(undo_run)
        assert MedicalRecordTracker.objects.get().patient_id == "P1"

    def test_an_undone_run_is_not_undone_twice(self, imported: Import) -> None:
        run = imported(RECORDS, {})
        undo(run)
        assert runs.request_undo(run, User.objects.get()) is None

    def test_the_second_of_two_undos_at_once_fails(self, imported: Import) -> None:
        run = imported(RECORDS, {})
        late = factories.import_run(State.APPLYING, undoes=run)
        undo_of_another = factories.import_run(State.APPLYING, undoes=run)
        apply(undo_of_another)
        with pytest.raises(AlreadyUndoneError):
            apply(late)

    def test_an_earlier_import_can_be_undone_after_the_later_one(self, imported: Import) -> None:
        before = stored()
        first = imported(RECORDS, {})
        second = imported(RECORDS, {"name": "Ada Lovelace"})
        undo(second)
        undo_run = undo(first)
        assert stored() == before
        assert reasons(undo_run) == []

    def test_an_import_older_than_the_history_cannot_be_undone(self, imported: Import) -> None:
        run = imported(RECORDS, {})
        ImportRun.objects.update(first_change=None)
        run.refresh_from_db()
        assert not is_undoable(run)


CHANGED = "It was changed afterwards."


class TestConflicts:
    def test_a_record_that_somebody_changed_since_stays_as_a_whole(self, imported: Import) -> None:
        imported(CATALOGUE, {})
        run = imported(RECORDS, {}, {})
        MedicalRecord.objects.filter(pk="P1").update(allergies="Pollen")
        undo_run = undo(run)
        assert MedicalRecordTracker.objects.get().patient_id == "P1"
        assert MedicalRecord.objects.get().allergies == "Pollen"
        assert count_undone(undo_run, "medical_records") == (1, 0, 0, 1)
        assert reasons(undo_run) == [("P1", CHANGED)]

    def test_a_change_by_a_later_import_is_a_conflict_too(self, imported: Import) -> None:
        run = imported(RECORDS, {}, {})
        imported(RECORDS, {"name": "Ada Lovelace"}, {})
        assert reasons(undo(run)) == [("P1", CHANGED)]
        assert MedicalRecord.objects.get().name == "Ada Lovelace"

    def test_a_link_by_staff_is_a_conflict(self, imported: Import) -> None:
        run = imported(RECORDS, {})
        factories.link(MedicalRecord.objects.get(), factories.tracker_model("Honor", "Band 5"))
        assert reasons(undo(run)) == [("P1", CHANGED)]
        assert MedicalRecordTracker.objects.count() == 1

    def test_a_link_that_follows_from_the_reported_tracker_is_no_conflict(self, imported: Import) -> None:
        run = imported(RECORDS, {})
        imported(CATALOGUE, {})
        factories.tracker_alias("Band 2", TrackerModel.objects.get())
        assert reasons(undo(run)) == []
        assert not MedicalRecord.objects.exists()

    def test_a_record_that_was_deleted_since_stays_deleted(self, imported: Import) -> None:
        imported(RECORDS, {}, {})
        run = imported(RECORDS, {"name": "Ada Lovelace"}, {"name": "Ada Lovelace"})
        MedicalRecord.objects.filter(pk="P1").delete()
        assert reasons(undo(run)) == [("P1", CHANGED)]
        assert [record.name for record in MedicalRecord.objects.all()] == ["Ada Byron"]

    def test_a_model_that_is_in_use_stays_with_its_variants_and_links(self, imported: Import) -> None:
        imported(RECORDS, {})
        run = imported(CATALOGUE, {}, {"Model Name": "Band 9"})
        imported(RECORDS, {}, {}, {"Tracker": "Band 2"})
        undo_run = undo(run)
        assert reasons(undo_run) == [("Xiaomi Band 2", "A newer row refers to it.")]
        assert TrackerModel.objects.get().model_name == "Band 2"
        assert FitnessTracker.objects.count() == 1
        assert MedicalRecordTracker.objects.count() == 3

    @pytest.mark.parametrize("change", ["model", "variant", "alias", "new variant"])
    def test_a_model_stays_if_anything_of_it_was_changed_by_hand(self, imported: Import, change: str) -> None:
        run = imported(CATALOGUE, {})
        model = TrackerModel.objects.get()
        if change == "model":
            TrackerModel.objects.update(device_type="Smartwatch")
        elif change == "variant":
            FitnessTracker.objects.update(color="Red")
        elif change == "alias":
            factories.tracker_alias("My band", model)
        else:
            factories.variant(model)
        assert ("Xiaomi Band 2", CHANGED) in reasons(undo(run))
        assert TrackerModel.objects.exists()
        assert FitnessTracker.objects.filter(made_by_run=run.pk).exists()

    def test_a_row_whose_place_another_row_has_is_a_conflict(self, imported: Import) -> None:
        undo_run = undo(imported(CATALOGUE, {}))
        factories.tracker_model("XIAOMI", "band 2")
        again = undo(undo_run)
        assert TrackerModel.objects.count() == 1
        assert {reason for _, reason in reasons(again)} == {
            "Another row has its place, or a row that it refers to no longer exists."
        }
        assert count_undone(again, "tracker_models") == count_undone(again, "fitness_trackers") == (0, 0, 0, 1)

    def test_a_conflict_links_to_the_page_of_the_row(self, imported: Import) -> None:
        run = imported(RECORDS, {})
        MedicalRecord.objects.update(last_appointment_date=date(2025, 1, 1))
        (conflict,) = undo_service.get_conflicts(undo(run))
        assert conflict.page == "/admin/patients/medicalrecord/P1/change/"
        assert conflict.entry.href == "/admin/patients/medicalrecord/P1/history/"


class TestPreview:
    def test_it_shows_what_the_undo_would_do_and_changes_nothing(self, imported: Import) -> None:
        imported(CATALOGUE, {}, {"Model Name": "Band 3"})
        imported(RECORDS, {}, {}, {})
        run = imported(RECORDS, {"Tracker": "Band 3"}, {"name": "Ada Lovelace"}, {}, {})
        MedicalRecord.objects.filter(pk="P2").update(allergies="Pollen")
        before = stored()
        shown = undo_service.preview(MedicalRecordResource(), run)
        assert stored() == before
        assert [(conflict.entry.name, conflict.reason) for conflict in shown.conflicts] == [("P2", CHANGED)]
        assert shown.conflict_count == 1
        (restored,) = (entry for entry in shown.samples if entry.name == "P1" and entry.action == "update")
        assert [(field.label, field.old, field.new) for field in restored.fields] == [
            ("Reported tracker", "Band 3", "Band 2")
        ]
        assert shown.tables == get_result(undo(run)).tables


REPORTED_TRACKERS = st.sampled_from(["Band 2", "Band 3", "Xiaomi Band 2", "Nothing known", "None"])
PATIENTS = st.lists(
    st.fixed_dictionaries(
        {
            "Tracker": REPORTED_TRACKERS,
            "name": st.sampled_from(["Ada", "Grace"]),
            "last_appointment_date": st.sampled_from(["", "01/02/2025"]),
        }
    ),
    min_size=1,
    max_size=4,
)


class TestProperties:
    @settings(max_examples=25)
    @given(before=PATIENTS, then=PATIENTS)
    def test_an_import_and_its_undo_leave_the_tables_as_they_were(
        self, tmp_path_factory: pytest.TempPathFactory, before: list[Row], then: list[Row]
    ) -> None:
        folder = tmp_path_factory.mktemp("rows")
        with transaction.atomic():
            import_rows(folder, CATALOGUE, {}, {"Model Name": "Band 3"}, {"Brand Name": "Honor"})
            import_rows(folder, RECORDS, *before)
            tables = stored()
            run = import_rows(folder, RECORDS, *then)
            after = stored()
            undo_run = undo(run)
            assert stored() == tables
            undo(undo_run)
            assert stored() == after
            transaction.set_rollback(True)
