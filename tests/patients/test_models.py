"""Medical records and their links: values that no client can store, and the error messages for them."""

from datetime import date
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError

from patients.models import MedicalRecord, MedicalRecordTracker
from tests.support import factories
from tests.support.plain_sql import execute, get_database_error

pytestmark = pytest.mark.django_db

PATIENT_KEY = "medical_record_and_t_patient_id_de7821f5_fk_medical_r"
MODEL_KEY = "medical_record_and_t_model_id_17e6e9a8_fk_tracker_m"
INSERT_RECORD = """
    INSERT INTO medical_records (patient_id, name, date_of_birth, gender, medications)
    VALUES (%s, 'Ada Byron', '1980-05-17', 'F', false)
"""


@pytest.mark.parametrize(
    ("assignment", "constraint"),
    [
        ("name = ''", "name_not_blank"),
        ("name = ' '", "name_not_blank"),
        ("name = ' padded'", "name_not_blank"),
        ("name = 'padded '", "name_not_blank"),
        ("gender = 'X'", "gender_known"),
        ("gender = 'f'", "gender_known"),
        ("gender = ''", "gender_known"),
        ("last_appointment_date = date_of_birth - 1", "born_before_appointment"),
        ("link_count = -1", "link_count_check"),
    ],
)
def test_invalid_values_are_rejected(assignment: str, constraint: str) -> None:
    factories.medical_record()
    error = get_database_error(f"UPDATE medical_records SET {assignment}")
    assert error.constraint_name == f"medical_records_{constraint}"


@pytest.mark.parametrize(
    "assignment",
    [
        "last_appointment_date = NULL",
        "last_appointment_date = date_of_birth",
        "name = repeat('a', 200)",
        "gender = 'M'",
        "gender = 'O'",
        "gender = 'U'",
    ],
)
def test_values_at_the_limits_are_accepted(assignment: str) -> None:
    factories.medical_record()
    execute(f"UPDATE medical_records SET {assignment}")


@pytest.mark.parametrize("patient_id", ["", " ", " P1", "P1 "])
def test_a_patients_number_is_neither_blank_nor_padded(patient_id: str) -> None:
    assert get_database_error(INSERT_RECORD, patient_id).constraint_name == "medical_records_patient_id_not_blank"


def test_a_patients_number_has_50_characters_at_most() -> None:
    execute(INSERT_RECORD, "9" * 50)
    assert (
        get_database_error(INSERT_RECORD, "9" * 51).message_primary == "value too long for type character varying(50)"
    )


def test_a_patients_number_is_unique() -> None:
    execute(INSERT_RECORD, "P1")
    assert get_database_error(INSERT_RECORD, "P1").constraint_name == "medical_records_pkey"


def test_patients_numbers_are_compared_byte_by_byte_with_letter_case() -> None:
    for patient_id in ("p1", "P1", "P-1", "P10"):
        execute(INSERT_RECORD, patient_id)
    assert list(MedicalRecord.objects.values_list("pk", flat=True)) == ["P-1", "P1", "P10", "p1"]


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("statement", ["patient_id = 'P2'", "patient_id = 'p1', name = 'Eve'"])
def test_a_patients_number_never_changes(statement: str, linked: bool) -> None:
    record = factories.medical_record()
    if linked:
        factories.link(record, factories.tracker_model())
    error = get_database_error(f"UPDATE medical_records SET {statement}")
    assert error.context
    assert "patient_id_never_changes" in error.context
    assert MedicalRecord.objects.get().pk == "P1"


@pytest.mark.parametrize(
    ("assignment", "constraint"),
    [
        ("patient_id = 'P9'", PATIENT_KEY),
        ("model_id = -1", MODEL_KEY),
        ("source = 'robot'", "medical_record_and_trackers_source_known"),
        ("source = ''", "medical_record_and_trackers_source_known"),
    ],
)
def test_an_invalid_link_is_rejected(assignment: str, constraint: str) -> None:
    factories.link(factories.medical_record(), factories.tracker_model())
    assert get_database_error(f"UPDATE medical_record_and_trackers SET {assignment}").constraint_name == constraint


def test_a_link_needs_an_existing_patient_and_model() -> None:
    record, model = factories.medical_record(), factories.tracker_model()
    insert = "INSERT INTO medical_record_and_trackers (patient_id, model_id) VALUES (%s, %s)"
    assert get_database_error(insert, "P9", model.pk).constraint_name == PATIENT_KEY
    assert get_database_error(insert, record.pk, -1).constraint_name == MODEL_KEY


def test_a_patient_is_linked_to_a_model_only_once() -> None:
    factories.link(factories.medical_record(), factories.tracker_model())
    again = """
        INSERT INTO medical_record_and_trackers (patient_id, model_id, source)
        SELECT patient_id, model_id, 'import' FROM medical_record_and_trackers
    """
    assert get_database_error(again).constraint_name == "medical_record_and_trackers_pkey"


def test_patients_and_models_with_a_link_cannot_be_deleted_alone() -> None:
    factories.link(factories.medical_record(), factories.tracker_model())
    assert get_database_error("DELETE FROM medical_records").constraint_name == PATIENT_KEY
    assert get_database_error("DELETE FROM tracker_models").constraint_name == MODEL_KEY


def test_links_are_deleted_with_their_patient_and_protect_their_model() -> None:
    record, model = factories.medical_record(), factories.tracker_model()
    factories.link(record, model)
    with pytest.raises(ProtectedError):
        model.delete()
    record.delete()
    assert not MedicalRecordTracker.objects.exists()
    model.delete()


def test_a_row_inserted_by_plain_sql_gets_the_same_defaults() -> None:
    execute(INSERT_RECORD, "P1")
    execute("INSERT INTO medical_record_and_trackers VALUES ('P1', %s)", factories.tracker_model().pk)
    stored, made = MedicalRecord.objects.get(), MedicalRecord(patient_id="P1")
    assert stored.unlinked_model_ids == made.unlinked_model_ids == []
    for field in ("medical_conditions", "allergies", "tracker", "last_appointment_date"):
        assert getattr(stored, field) == getattr(made, field)
    assert stored.tracker_links.get().source == MedicalRecordTracker.Source.STAFF


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"gender": "X"}, "The gender must be F, M, O or U."),
        ({"last_appointment_date": date(1980, 5, 16)}, "The last appointment is before the date of birth."),
        ({"name": " Ada"}, "Enter the name, without blanks around it."),
    ],
)
def test_an_invalid_record_is_rejected_with_an_error(values: dict[str, Any], sentence: str) -> None:
    record = factories.medical_record()
    for field, value in values.items():
        setattr(record, field, value)
    with pytest.raises(ValidationError) as rejected:
        record.validate_constraints()
    assert rejected.value.messages == [sentence]


def test_a_record_is_shown_by_number_and_name_and_a_link_by_its_model() -> None:
    record = factories.medical_record()
    assert str(record) == "P1 Ada Byron"
    assert str(factories.link(record, factories.tracker_model())) == "Xiaomi Band 2"


def test_a_record_returns_the_patients_age_on_a_day() -> None:
    assert factories.medical_record().age(date(2000, 5, 16)) == 19
