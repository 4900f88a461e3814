"""Every change of a row is recorded in the history, however it is made, and cannot be removed from it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import Error, connection, transaction
from django.test import Client

from healthtrack.audit.actor import acting_as
from healthtrack.audit.models import Change
from healthtrack.imports.importer import StoredFile
from healthtrack.imports.life_cycle import runs, steps
from patients.models import MedicalRecord, MedicalRecordTracker
from tests.support import factories
from tests.support.finished_imports import Imported
from tests.support.forms import form_with
from tests.support.import_files import CATALOGUE, RECORDS, TABLES, Kind, write_csv
from trackers.models import FitnessTracker, TrackerModel

LIST = "/admin/patients/medicalrecord/"

Import = Callable[..., Imported]
pytestmark = pytest.mark.django_db


@pytest.fixture
def imported(tmp_path: Path) -> Import:
    def run(kind: Kind, *changes: dict[str, str]) -> Imported:
        return kind.run(write_csv(tmp_path / "rows.csv", kind.rows(*changes)))

    return run


def changes(**wanted: Any) -> list[tuple[str, str, dict[str, Any]]]:
    found = Change.objects.filter(**wanted).order_by("change_id")
    return list(found.values_list("table_name", "action", "fields"))


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


class TestEveryKindOfChange:
    def test_a_record_saved_on_its_page_is_attributed_to_the_person_and_the_request(self, keeper: Client) -> None:
        record = factories.medical_record()
        opened = form_with(keeper.get(f"{LIST}P1/change/"), "name")
        answer = keeper.post(opened.address, {**opened.fields, "name": "Ada Lovelace"})
        change = Change.objects.latest("change_id")
        assert change.fields == {"name": ["Ada Byron", "Ada Lovelace"]}
        assert (change.patient_id, change.action) == (record.pk, "update")
        assert (change.person, change.run_id) == (User.objects.get(), None)
        assert change.request == answer["X-Request-ID"]

    def test_a_record_and_a_link_added_and_deleted_are_attributed_to_the_person(self, keeper: Client) -> None:
        model = factories.tracker_model()
        added = form_with(keeper.get(f"{LIST}add/"), "name")
        record = {"patient_id": "P1", "name": "Ada", "date_of_birth": "1980-05-17", "gender": "F", "tracker": "band 2"}
        keeper.post(added.address, {**added.fields, **record})
        keeper.post(f"{LIST}P1/delete/", {"post": "yes"})
        person = User.objects.get()
        recorded = [(table, action) for table, action, _ in changes(person=person)]
        assert recorded == [
            ("medical_records", "insert"),
            ("medical_record_and_trackers", "insert"),
            ("medical_record_and_trackers", "delete"),
            ("medical_records", "delete"),
        ]
        assert Change.objects.filter(person=person, patient_id="P1").count() == 4
        assert Change.objects.filter(person=person, model_id=model.pk).count() == 2

    def test_the_actor_of_a_request_is_cleared_after_it(self, keeper: Client) -> None:
        keeper.post(f"{LIST}add/", {})
        factories.medical_record()
        assert Change.objects.get(table_name="medical_records").person is None

    def test_the_actor_of_a_failed_request_is_cleared_too(
        self, keeper: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError

        monkeypatch.setattr("patients.admin.MedicalRecordAdmin.save_model", fail)
        added = form_with(keeper.get(f"{LIST}add/"), "name")
        record = {"patient_id": "P1", "name": "Ada", "date_of_birth": "1980-05-17", "gender": "F"}
        with pytest.raises(RuntimeError):
            keeper.post(added.address, {**added.fields, **record})
        factories.medical_record()
        assert Change.objects.get(row_name=None).person is None

    def test_each_row_of_a_bulk_change_is_recorded(self) -> None:
        numbers = [f"P{number}" for number in range(3)]
        MedicalRecord.objects.bulk_create(
            MedicalRecord(patient_id=number, name="Ada", date_of_birth="1980-05-17", gender="F", medications=False)
            for number in numbers
        )
        MedicalRecord.objects.update(allergies="Pollen")
        records = list(MedicalRecord.objects.all())
        for record in records:
            record.medications = True
        MedicalRecord.objects.bulk_update(records, ["medications"])
        MedicalRecord.objects.all().delete()
        for number in numbers:
            recorded = changes(patient_id=number)
            assert [action for _, action, _ in recorded] == ["insert", "update", "update", "delete"]
            assert recorded[1][2] == {"allergies": ["", "Pollen"]}
            assert recorded[2][2] == {"medications": [False, True]}
            assert recorded[3][2]["name"] == ["Ada", None]

    def test_raw_sql_and_copy_are_recorded_with_the_database_role(self) -> None:
        with connection.cursor() as cursor:
            with cursor.copy(
                "COPY medical_records (patient_id, name, date_of_birth, gender, medications) FROM STDIN"
            ) as copy:
                copy.write_row(["P1", "Ada", "1980-05-17", "F", False])
            cursor.execute("UPDATE medical_records SET last_appointment_date = '2025-01-02'")
            cursor.execute("DELETE FROM medical_records")
            cursor.execute("SELECT session_user")
            (role,) = cursor.fetchone()
        assert [action for _, action, _ in changes(database_role=role)] == ["insert", "update", "delete"]
        assert changes(action="update")[0][2] == {"last_appointment_date": [None, "2025-01-02"]}

    def test_a_copy_is_attributed_to_the_person_and_the_run(self) -> None:
        person = factories.staff()
        with transaction.atomic(), acting_as(person.pk, 7), connection.cursor() as cursor:
            columns = "(patient_id, name, date_of_birth, gender, medications, made_by_run)"
            with cursor.copy(f"COPY medical_records {columns} FROM STDIN") as copy:
                copy.write_row(["P1", "Ada", "1980-05-17", "F", False, None])
        change = Change.objects.get(row_name=None)
        assert (change.person, change.run_id) == (person, 7)

    def test_changes_of_models_variants_and_resolved_names_are_recorded(self) -> None:
        model = factories.tracker_model()
        variant = factories.variant(model, rating="4.3")
        alias = factories.tracker_alias("My band", model)
        FitnessTracker.objects.update(rating=None, selling_price=2000)
        number = model.pk
        for row in (alias, variant, model):
            row.delete()
        assert [action for _, action, _ in changes(model_id=number)] == [*["insert"] * 3, "update", *["delete"] * 3]
        (_, _, fields), *_ = changes(table_name="fitness_trackers", action="update")
        assert fields == {"rating": [4.3, None], "selling_price": [2499, 2000]}
        assert changes(table_name="tracker_aliases")[0][2] == {"name": [None, "My band"], "model_id": [None, number]}

    def test_changing_the_key_of_a_link_is_recorded_as_a_deletion_and_an_insertion(self) -> None:
        first, second = (factories.tracker_model(brand) for brand in ("Xiaomi", "Honor"))
        factories.link(factories.medical_record(), first)
        MedicalRecordTracker.objects.filter(patient_id="P1").update(model=second)
        recorded = Change.objects.filter(table_name="medical_record_and_trackers").order_by("change_id")[1:]
        assert {(change.action, change.model_id) for change in recorded} == {
            ("delete", first.pk),
            ("insert", second.pk),
        }

    @pytest.mark.parametrize("table", ["medical_records", "tracker_aliases"])
    def test_a_truncated_table_is_recorded(self, table: str) -> None:
        execute(f"TRUNCATE {table} CASCADE")
        assert (table, "truncate", {}) in changes()

    def test_saving_a_row_without_changes_is_not_recorded(self) -> None:
        record = factories.medical_record()
        record.save()
        MedicalRecord.objects.filter(pk="none").update(name="Ada")
        assert len(changes()) == 1

    def test_the_link_count_is_not_recorded(self) -> None:
        record = factories.medical_record()
        factories.link(record, factories.tracker_model())
        assert MedicalRecord.objects.get().link_count == 1
        assert len(changes(table_name="medical_records")) == 1


class TestImports:
    def test_inserted_rows_store_the_run_and_are_not_recorded_one_by_one(self, imported: Import) -> None:
        catalogue = imported(CATALOGUE, {})
        records = imported(RECORDS, {}, {})
        assert changes() == []
        runs_of = {model: list(model._default_manager.values_list("made_by_run", flat=True)) for model in TABLES}
        assert runs_of[TrackerModel] == runs_of[FitnessTracker] == [catalogue.run.pk]
        assert runs_of[MedicalRecord] == runs_of[MedicalRecordTracker] == [records.run.pk] * 2

    def test_changed_rows_and_removed_links_are_recorded_with_their_old_values(self, imported: Import) -> None:
        first = imported(CATALOGUE, {})
        model = TrackerModel.objects.get()
        before = imported(RECORDS, {}).run
        run = imported(RECORDS, {"Tracker": "None", "name": "Ada Lovelace"}).run
        assert changes(run_id=run.pk) == [
            ("medical_records", "update", {"name": ["Ada Byron", "Ada Lovelace"], "tracker": ["Band 2", ""]}),
            (
                "medical_record_and_trackers",
                "delete",
                {"source": ["import", None], "made_by_run": [before.pk, None]},
            ),
        ]
        assert Change.objects.get(action="delete").model_id == model.pk
        assert not Change.objects.filter(run_id=first.run.pk).exists()

    def test_a_change_by_an_import_is_attributed_to_the_person_who_uploaded_the_file(
        self, imported: Import, tmp_path: Path
    ) -> None:
        factories.medical_record("P1")
        path = write_csv(tmp_path / "rows.csv", RECORDS.rows({}))
        person = factories.staff()
        run = runs.open_run(RECORDS.importer, [runs.FileFacts("rows.csv", 9, "0" * 64)], user=person)
        files = [StoredFile("rows.csv", 9, path)]
        steps.check(run, files, steps.no_progress)
        steps.apply(run, files, steps.no_progress)
        change = Change.objects.get(run_id=run.pk)
        assert (change.person, change.patient_id) == (person, "P1")

    def test_changes_after_an_import_are_not_attributed_to_it(self, imported: Import) -> None:
        imported(RECORDS, {})
        factories.medical_record("by hand")
        assert MedicalRecord.objects.get(pk="by hand").made_by_run is None
        assert changes(patient_id="by hand", run_id=None) != []

    def test_an_insertion_with_the_number_of_another_run_is_recorded(self, imported: Import) -> None:
        run = imported(RECORDS, {}).run
        factories.medical_record("by hand", made_by_run=run.pk)
        assert changes(patient_id="by hand")[0][2]["made_by_run"] == [None, run.pk]

    def test_which_import_added_a_row_never_changes(self, imported: Import) -> None:
        imported(CATALOGUE, {})
        imported(RECORDS, {})
        for model in (TrackerModel, FitnessTracker, MedicalRecord):
            added = model._default_manager.filter(made_by_run__isnull=False)
            assert added.exists()
            for another in (None, 77):
                with pytest.raises(Error, match="Cannot update rows"), transaction.atomic():
                    added.update(made_by_run=another)

    def test_an_import_without_changes_is_not_recorded(self, imported: Import) -> None:
        imported(RECORDS, {})
        imported(RECORDS, {})
        assert changes() == []


class TestAppendOnly:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE changes SET person_id = NULL",
            "DELETE FROM changes",
            "DELETE FROM changes WHERE false",
            "TRUNCATE changes",
        ],
    )
    def test_the_database_refuses_to_change_the_history(self, statement: str) -> None:
        factories.medical_record()
        with pytest.raises(Error, match="Rows of changes are written once"), transaction.atomic():
            execute(statement)
        assert len(changes()) == 1

    def test_django_cannot_change_the_history_either(self) -> None:
        factories.medical_record()
        change = Change.objects.get()
        change.action = "delete"
        for rewrite in (change.save, change.delete, Change.objects.all().delete):
            with pytest.raises(Error, match="Rows of changes are written once"), transaction.atomic():
                rewrite()
