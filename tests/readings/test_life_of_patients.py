"""Readings follow their patients: through merges, deletions, restorations and undos."""

from datetime import date
from pathlib import Path

import pytest
from django.db import connection

from healthtrack.audit.models import Action, Change, reserve_change_id
from healthtrack.imports.life_cycle import runs, steps
from healthtrack.imports.models import ImportRun
from healthtrack.imports.undo.deletions import restore
from patients import follows
from patients.edits.merging import compare, merge
from patients.models import FormerNumber, MedicalRecord
from patients.resources import MedicalRecordResource
from readings.devices.attribution import attribute
from readings.models import (
    DISTRIBUTABLE,
    Consent,
    Contribution,
    Device,
    DeviceAssignment,
    ReadingDay,
    ReadingStream,
    StreamDevice,
)
from readings.parts import Readings
from tests.support import factories
from tests.support.import_files import RECORDS, write_csv
from tests.support.plain_sql import execute, get_database_error
from tests.support.readings import Reading, streams, undo_run, write_run
from tests.support.signing_in import SignIn

pytestmark = pytest.mark.django_db

SECOND = 1_000_000
NOON = 1_700_000_000 * SECOND


@pytest.fixture(autouse=True)
def _records() -> None:
    for number in ("P1", "P2"):
        factories.medical_record(number)


def write(run_id: int, patient: str, value: int = 70) -> None:
    write_run(run_id, [[Reading(1, NOON, value)]], streams(patient))


def owners() -> list[tuple[str, str]]:
    return list(ReadingStream.objects.order_by("stream_id").values_list("patient_id", "origin"))


def days() -> list[str]:
    return list(ReadingDay.objects.order_by("stream_id").values_list("patient_id", flat=True))


def merge_records(target: str, source: str) -> ImportRun:
    comparison = compare([target, source])
    assert comparison is not None
    return merge(target, source, [], comparison.version, factories.staff())


def undo(run: ImportRun) -> None:
    request = runs.request_undo(run, factories.staff())
    assert request is not None
    steps.apply(request, [], steps.no_progress)


def delete(number: str) -> list[int]:
    """Delete a record, and return the numbers of the changes that deleted it and what belonged to it."""
    before = reserve_change_id()
    follows.delete([number])
    MedicalRecord.objects.filter(pk=number).delete()
    deletions = Change.objects.filter(patient_id=number, action=Action.DELETE, change_id__gt=before)
    return list(deletions.exclude(table_name="reading_streams").values_list("change_id", flat=True))


def test_a_merge_moves_readings_with_their_origin_and_its_undo_splits_them() -> None:
    write(1, "P1")
    write(2, "P2", 71)
    write(3, "P2", 72)
    run = merge_records("P1", "P2")
    assert owners() == [("P1", ""), ("P1", "P2")]
    assert days() == ["P1", "P1"]
    assert set(Contribution.objects.values_list("patient_id", flat=True)) == {"P1"}
    undo(run)
    assert owners() == [("P1", ""), ("P2", "")]
    assert days() == ["P1", "P2"]


def test_readings_of_a_record_that_was_merged_before_go_back_to_it() -> None:
    factories.medical_record("P3")
    write(1, "P3")
    merge_records("P2", "P3")
    run = merge_records("P1", "P2")
    assert owners() == [("P1", "P3")]
    undo(run)
    assert owners() == [("P2", "P3")]


def test_a_merge_unites_assignments_and_consents() -> None:
    device = Device.objects.create(serial_number="SN1")
    DeviceAssignment.objects.create(device=device, patient_id="P2", worn_from=date(2024, 1, 1))
    for number, is_given in (("P1", True), ("P2", False)):
        Consent.objects.create(patient_id=number, since=date(2024, 1, 1), is_given=is_given)
    run = merge_records("P1", "P2")
    assert DeviceAssignment.objects.get().patient_id == "P1"
    assert not Consent.objects.get().is_given
    undo(run)
    assert DeviceAssignment.objects.get().patient_id == "P2"
    assert dict(Consent.objects.values_list("patient_id", "is_given")) == {"P1": True, "P2": False}


def test_a_merge_that_was_undone_is_made_again_with_all_that_it_moved() -> None:
    write(1, "P2")
    device = Device.objects.create(serial_number="SN1")
    DeviceAssignment.objects.create(device=device, patient_id="P2", worn_from=date(2024, 1, 1))
    Consent.objects.create(patient_id="P2", since=date(2024, 1, 1), is_given=True)
    FormerNumber.objects.create(patient_id="P2", number="P0")
    before = ("P2", "P2", [("P2", "")], {"P0": "P2"})
    assert owners_of_all() == before
    run = merge_records("P1", "P2")
    merged = ("P1", "P1", [("P1", "P2")], {"P0": "P1", "P2": "P1"})
    assert owners_of_all() == merged
    undo(run)
    assert owners_of_all() == before
    undo(ImportRun.objects.latest("run_id"))
    assert owners_of_all() == merged
    assert not MedicalRecord.objects.filter(pk="P2").exists()


def owners_of_all() -> tuple[object, ...]:
    numbers = dict(FormerNumber.objects.values_list("number", "patient_id"))
    return DeviceAssignment.objects.get().patient_id, Consent.objects.get().patient_id, owners(), numbers


@pytest.mark.parametrize(
    ("table", "columns", "values"),
    [
        ("reading_consents", "since, is_given", "date '2024-01-01', true"),
        ("device_assignments", "device_id, worn_from", "device_id, date '2024-01-01'"),
        ("former_patient_numbers", "number", "'P0'"),
    ],
)
def test_what_refers_to_a_record_must_be_deleted_before_it(table: str, columns: str, values: str) -> None:
    Device.objects.create(serial_number="SN1")
    execute(f"INSERT INTO {table} (patient_id, {columns}) SELECT 'P1', {values} FROM devices")
    record_first = f"DELETE FROM medical_records; DELETE FROM {table}"
    assert get_database_error(record_first).constraint_name == f"{table}_patient"


def test_deleted_readings_come_back_with_the_record() -> None:
    write(1, "P1")
    Consent.objects.create(patient_id="P1", since=date(2024, 1, 1), is_given=True)
    changes = delete("P1")
    (key,) = days()
    assert key.startswith("deleted/")
    assert not Consent.objects.exists()
    restore(changes, MedicalRecordResource().after_undo)
    assert owners() == [("P1", "")]
    assert days() == ["P1"]
    assert Consent.objects.exists()


def test_a_new_patient_with_the_number_inherits_nothing_even_after_a_restoration() -> None:
    write(1, "P1")
    delete("P1")
    factories.medical_record("P1")
    assert not ReadingStream.objects.filter(patient_id="P1").exists()
    changes = delete("P1")
    restore(changes, MedicalRecordResource().after_undo)
    assert not ReadingStream.objects.filter(patient_id="P1").exists()


def test_a_run_is_undone_wherever_its_readings_are() -> None:
    write(1, "P1")
    write(2, "P2")
    delete("P1")
    undo_run(1)
    assert days() == ["P2"]
    undo_run(2)
    assert not ReadingStream.objects.exists()


def test_erasing_removes_stored_and_deleted_readings() -> None:
    write(1, "P1")
    write(2, "P2")
    delete("P1")
    Readings().erase(["P1"])
    assert days() == ["P2"]
    assert {
        model: model._default_manager.exclude(patient_id="P2").exists() for model in DISTRIBUTABLE
    } == dict.fromkeys(DISTRIBUTABLE, False)


def test_the_view_hides_deleted_records_and_withdrawn_consents() -> None:
    write(1, "P1")
    write(2, "P2")
    assert shown() == ["P1", "P2"]
    Consent.objects.create(patient_id="P2", since=date(2024, 1, 1), is_given=False)
    assert shown() == ["P1"]
    delete("P1")
    assert shown() == []


def shown() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT patient_id FROM readings ORDER BY 1")
        return [number for (number,) in cursor.fetchall()]


def test_the_page_of_a_record_deletes_it_with_its_assignments(sign_in: SignIn) -> None:
    device = Device.objects.create(serial_number="S-1")
    DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from=date(2025, 1, 1))
    client = sign_in("patients.view_medicalrecord", "patients.delete_medicalrecord")
    response = client.post("/admin/patients/medicalrecord/P1/delete/", {"post": "yes"})
    assert response.status_code == 302
    assert [*MedicalRecord.objects.values_list("pk", flat=True)] == ["P2"]
    assert not DeviceAssignment.objects.exists()


def test_a_merge_attributes_the_streams_again_and_the_history_shows_it(sign_in: SignIn) -> None:
    write(1, "P1")
    attribute(["P1"])
    device = Device.objects.create(serial_number="watch")
    merge_records("P2", "P1")
    assert list(StreamDevice.objects.values_list("device_id", flat=True)) == [device.pk]
    delete("P2")
    client = sign_in("audit.view_change", "patients.view_medicalrecord", "readings.view_readingstream")
    page = client.get("/admin/changes/").content.decode()
    assert "Devices" in page
    assert "unassigned" in page


def test_an_undo_of_an_import_leaves_records_with_readings(tmp_path: Path) -> None:
    run = RECORDS.run(write_csv(tmp_path / "rows.csv", RECORDS.rows({"patient_id": "P7"}, {"patient_id": "P8"}))).run
    write(1, "P7")
    undo(run)
    assert set(MedicalRecord.objects.values_list("patient_id", flat=True)) == {"P1", "P2", "P7"}
