"""The counts of triggers are those of the records and links, whoever changes these, and however."""

from collections import Counter
from collections.abc import Callable
from importlib import import_module

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from patients import patient_counts
from patients.models import MedicalRecord, MedicalRecordTracker, PatientCount
from patients.patient_counts import read_patient_counts
from tests.support import factories
from tests.support.database_sessions import start_in_another_session
from tests.support.plain_sql import execute

Counts = dict[tuple[str, tuple[int, ...]], int]
PATIENTS = ("P1", "P2", "P3")
BRANDS = ("Xiaomi", "Huawei", "Honor", "boAt", "realme")

_DELETE_LINKS = "DELETE FROM medical_record_and_trackers WHERE patient_id = %(patient)s"
_DELETE_RECORD = "DELETE FROM medical_records WHERE patient_id = %(patient)s"
_INSERT_LINKS = "INSERT INTO medical_record_and_trackers (patient_id, model_id, source)"
_SOME_LINKS = f"{_INSERT_LINKS} SELECT patient_id, model_id, %(source)s"
_INSERT_RECORD = """
    INSERT INTO medical_records (patient_id, name, date_of_birth, gender, medications, medical_conditions, tracker,
                                 link_count)
    VALUES (%(patient)s, 'Ada Byron', '1980-05-17', 'F', false, %(label)s, %(label)s, %(number)s)
"""
STEPS = (
    f"{_SOME_LINKS} FROM medical_records, tracker_models WHERE model_id %% 5 < %(number)s ON CONFLICT DO NOTHING",
    f"{_SOME_LINKS} FROM medical_records, tracker_models WHERE patient_id = %(patient)s ON CONFLICT DO NOTHING",
    _DELETE_LINKS,
    "DELETE FROM medical_record_and_trackers WHERE model_id %% 5 = %(number)s",
    "UPDATE medical_record_and_trackers SET source = %(source)s WHERE patient_id = %(patient)s",
    """
    UPDATE medical_record_and_trackers AS link SET patient_id = %(patient)s
     WHERE model_id %% 5 = %(number)s AND patient_id = (SELECT min(patient_id) FROM medical_record_and_trackers)
       AND EXISTS (SELECT FROM medical_records WHERE patient_id = %(patient)s)
       AND NOT EXISTS (SELECT FROM medical_record_and_trackers AS present
                        WHERE present.patient_id = %(patient)s AND present.model_id = link.model_id)
    """,
    "UPDATE medical_records SET medical_conditions = %(label)s, name = 'Ada'",
    "UPDATE medical_records SET tracker = %(label)s, link_count = %(number)s WHERE patient_id = %(patient)s",
    f"{_DELETE_LINKS}; {_DELETE_RECORD}",
    f"{_DELETE_RECORD}; {_DELETE_LINKS}",
    f"{_INSERT_RECORD} ON CONFLICT (patient_id) DO UPDATE SET tracker = excluded.tracker",
    f"""
    {_DELETE_LINKS}; {_DELETE_RECORD};
    {_INSERT_LINKS} SELECT %(patient)s, model_id, %(source)s FROM tracker_models WHERE model_id %% 5 <= %(number)s;
    {_INSERT_RECORD}
    """,
    "TRUNCATE medical_record_and_trackers",
    "TRUNCATE medical_records CASCADE",
)
values = st.fixed_dictionaries(
    {
        "patient": st.sampled_from(PATIENTS),
        "label": st.sampled_from(["", "Asthma", "asthma, Gout"]),
        "source": st.sampled_from(["import", "staff"]),
        "number": st.integers(0, 4),
    }
)
steps = st.tuples(st.sampled_from(STEPS), values, st.booleans())


def read(what: PatientCount.What) -> Counts:
    return {(count.label, tuple(count.model_ids)): count.patients for count in read_patient_counts(what)}


def check_counts() -> None:
    links: dict[str, list[tuple[int, str]]] = {}
    for patient, model, source in MedicalRecordTracker.objects.order_by("model_id").values_list(
        "patient_id", "model_id", "source"
    ):
        links.setdefault(patient, []).append((model, source))
    by_conditions, by_tracker = Counter[tuple[str, tuple[int, ...]]](), Counter[tuple[str, tuple[int, ...]]]()
    for record in MedicalRecord.objects.all():
        theirs = links.get(record.pk, [])
        imported = tuple(model for model, source in theirs if source == "import")
        by_conditions[record.medical_conditions, tuple(model for model, _ in theirs)] += 1
        if not theirs or len(imported) > 1:
            by_tracker[record.tracker, imported] += 1
    assert read(PatientCount.What.CONDITIONS) == by_conditions
    assert read(PatientCount.What.TRACKER) == by_tracker


def make_models() -> list[int]:
    return [factories.tracker_model(brand_name=brand).pk for brand in BRANDS]


@pytest.mark.django_db
@settings(deadline=None, database=None, max_examples=60)
@given(st.lists(steps, min_size=1, max_size=12))
def test_the_counts_are_right_after_any_sequence_of_steps(
    chosen: list[tuple[str, dict[str, str | int], bool]],
) -> None:
    with transaction.atomic():
        make_models()
        for patient in PATIENTS:
            factories.medical_record(patient)
        for statement, named, is_committed in chosen:
            with transaction.atomic():
                execute(statement, **named)
                check_counts()
                transaction.set_rollback(not is_committed)
            check_counts()
        transaction.set_rollback(True)


def link_p1(model: int) -> None:
    MedicalRecordTracker.objects.create(patient_id="P1", model_id=model, source="import")


def unlink_p2(model: int) -> None:
    MedicalRecordTracker.objects.filter(patient_id="P2", model_id=model).delete()


def describe_p1(_: int) -> None:
    MedicalRecord.objects.filter(pk="P1").update(medical_conditions="Gout", tracker="Loop 9")


def insert_p3(_: int) -> None:
    factories.medical_record("P3", medical_conditions="Asthma")


CHANGES = [link_p1, unlink_p2, describe_p1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("second", [*CHANGES, insert_p3])
@pytest.mark.parametrize("first", CHANGES)
def test_two_transactions_at_once_are_both_counted(first: Callable[[int], None], second: Callable[[int], None]) -> None:
    models = make_models()
    for patient in ("P1", "P2"):
        factories.medical_record(patient, medical_conditions="Asthma")
    for model in models:
        MedicalRecordTracker.objects.create(patient_id="P2", model_id=model)
    with transaction.atomic():
        first(models[0])
        other = start_in_another_session(lambda: second(models[1]))
    other.result()
    check_counts()


@pytest.mark.django_db
def test_many_differences_are_replaced_by_their_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_counts, "MAX_ROWS_PER_COUNT", 1)
    for number in range(9):
        factories.medical_record(f"P{number}", medical_conditions="Asthma")
    MedicalRecord.objects.filter(pk="P0").delete()
    check_counts()
    assert dict(PatientCount.objects.values_list("what", "patients")) == {"conditions": 8, "tracker": 8}


@pytest.mark.django_db(transaction=True)
def test_differences_of_an_open_transaction_outlast_their_replacement_by_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_counts, "MAX_ROWS_PER_COUNT", 0)
    factories.medical_record("P1")
    with transaction.atomic():
        factories.medical_record("P2")
        other = start_in_another_session(lambda: read_patient_counts(PatientCount.What.CONDITIONS))
    assert other.result() == [("", [], 1)]
    check_counts()


@pytest.mark.django_db
def test_the_migration_counts_what_the_triggers_count() -> None:
    (first, *_) = make_models()
    record = factories.medical_record("P1", medical_conditions="Asthma", tracker="Band 2")
    factories.medical_record("P2")
    MedicalRecordTracker.objects.create(patient=record, model_id=first)
    PatientCount.objects.all().delete()
    (operation,) = import_module("patients.migrations.0018_fill_patient_counts").Migration.operations
    execute(operation.sql)
    check_counts()
