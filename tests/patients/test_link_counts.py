"""medical_records.link_count is the number of the patient's links, whoever changes these and however."""

from collections.abc import Callable, Sequence

import pytest
from django.db import connection, transaction
from django.db.models import Count
from hypothesis import given, settings
from hypothesis import strategies as st

from patients.models import MedicalRecord, MedicalRecordTracker
from tests.support import factories
from tests.support.database_sessions import start_in_another_session
from tests.support.plain_sql import execute
from trackers.models import TrackerModel

PATIENTS = ("P1", "P2", "P3")
BRANDS = ("Xiaomi", "Huawei", "Honor")
COPY_LINKS = "COPY medical_record_and_trackers (patient_id, model_id) FROM STDIN"
COPY_RECORDS = """
    COPY medical_records (patient_id, name, date_of_birth, gender, medications, link_count) FROM STDIN
"""


def counts() -> dict[str, int]:
    """Return the stored number of links of each patient, after a check that all are right."""
    records = MedicalRecord.objects.annotate(links=Count("tracker_links__model"))
    stored = dict(records.values_list("patient_id", "link_count"))
    assert stored == dict(records.values_list("patient_id", "links"))
    return stored


@pytest.fixture
def models(db: None) -> Sequence[TrackerModel]:
    return patients_and_models()


def patients_and_models() -> Sequence[TrackerModel]:
    """Three models, and three patients without links."""
    for patient_id in PATIENTS:
        factories.medical_record(patient_id)
    return [factories.tracker_model(brand_name=brand) for brand in BRANDS]


def link(patient_id: str, *models: TrackerModel) -> None:
    MedicalRecordTracker.objects.bulk_create(
        MedicalRecordTracker(patient_id=patient_id, model=model) for model in models
    )


def copy(statement: str, *rows: Sequence[object]) -> None:
    with connection.cursor() as cursor, cursor.copy(statement) as copied:
        for row in rows:
            copied.write_row(row)


def copy_record(patient_id: str, link_count: int) -> None:
    copy(COPY_RECORDS, (patient_id, "Ada Byron", "1980-05-17", "F", "false", link_count))


def test_links_made_and_deleted_one_by_one_are_counted(models: Sequence[TrackerModel]) -> None:
    record = MedicalRecord.objects.get(pk="P1")
    first, second = (factories.link(record, model) for model in models[:2])
    assert counts() == {"P1": 2, "P2": 0, "P3": 0}
    first.delete()
    assert counts()["P1"] == 1
    second.delete()
    assert counts()["P1"] == 0


def test_links_made_and_deleted_in_bulk_are_counted(models: Sequence[TrackerModel]) -> None:
    for patient_id in PATIENTS:
        link(patient_id, *models)
    assert counts() == {"P1": 3, "P2": 3, "P3": 3}
    MedicalRecordTracker.objects.filter(model=models[0]).delete()
    assert counts() == {"P1": 2, "P2": 2, "P3": 2}


def test_links_made_through_the_relation_are_counted(models: Sequence[TrackerModel]) -> None:
    trackers = MedicalRecord.objects.get(pk="P1").tracker_models
    trackers.set(models)
    assert counts()["P1"] == 3
    trackers.remove(models[0])
    assert counts()["P1"] == 2
    trackers.clear()
    assert counts()["P1"] == 0


def test_a_link_moved_to_another_patient_or_model_is_counted_where_it_is(models: Sequence[TrackerModel]) -> None:
    link("P1", *models[:2])
    execute("UPDATE medical_record_and_trackers SET patient_id = 'P2' WHERE model_id = %s", models[0].pk)
    assert counts() == {"P1": 1, "P2": 1, "P3": 0}
    MedicalRecordTracker.objects.filter(patient="P1").update(model=models[2], source="import")
    assert counts() == {"P1": 1, "P2": 1, "P3": 0}


def test_copied_links_are_counted(models: Sequence[TrackerModel]) -> None:
    copy(COPY_LINKS, ("P1", models[0].pk), ("P3", models[0].pk), ("P3", models[1].pk))
    assert counts() == {"P1": 1, "P2": 0, "P3": 2}


@pytest.mark.parametrize("number", [0, 1, 2, 7])
@pytest.mark.parametrize("links_first", [True, False])
def test_a_record_copied_with_a_wrong_number_is_corrected(
    models: Sequence[TrackerModel], number: int, links_first: bool
) -> None:
    with transaction.atomic():
        if links_first:
            copy(COPY_LINKS, *(("P9", model.pk) for model in models[:2]))
        copy_record("P9", number)
        if not links_first:
            copy(COPY_LINKS, *(("P9", model.pk) for model in models[:2]))
    assert counts()["P9"] == 2


@pytest.mark.parametrize("number", [0, 2, 32767])
def test_a_number_written_by_hand_is_corrected(models: Sequence[TrackerModel], number: int) -> None:
    link("P1", models[0])
    execute("UPDATE medical_records SET link_count = %s, name = 'Ada Lovelace'", number)
    assert counts() == {"P1": 1, "P2": 0, "P3": 0}
    assert set(MedicalRecord.objects.values_list("name", flat=True)) == {"Ada Lovelace"}


def test_saving_an_older_copy_of_a_record_keeps_the_number(models: Sequence[TrackerModel]) -> None:
    read_before = MedicalRecord.objects.get(pk="P1")
    link("P1", models[0])
    read_before.save()
    assert counts()["P1"] == 1


def test_existing_links_are_not_counted_twice(models: Sequence[TrackerModel]) -> None:
    link("P1", models[0])
    for _ in range(2):
        execute("""
            INSERT INTO medical_record_and_trackers (patient_id, model_id)
            SELECT 'P1', model_id FROM tracker_models ON CONFLICT DO NOTHING
        """)
        assert counts()["P1"] == 3


def test_an_upsert_of_a_record_keeps_the_number(models: Sequence[TrackerModel]) -> None:
    link("P1", *models)
    MedicalRecord.objects.bulk_create(
        [
            MedicalRecord(pk=patient_id, name="Eve", date_of_birth="1990-01-01", gender="F", medications=False)
            for patient_id in ("P1", "P9")
        ],
        update_conflicts=True,
        update_fields=["name", "link_count"],
        unique_fields=["patient_id"],
    )
    assert counts() == {"P1": 3, "P2": 0, "P3": 0, "P9": 0}


def test_a_statement_with_several_changes_is_counted(models: Sequence[TrackerModel]) -> None:
    link("P1", *models)
    execute("""
        WITH gone AS (DELETE FROM medical_record_and_trackers WHERE patient_id = 'P1' RETURNING *)
        INSERT INTO medical_record_and_trackers SELECT 'P2', model_id, source FROM gone
    """)
    assert counts() == {"P1": 0, "P2": 3, "P3": 0}
    execute(
        """
        MERGE INTO medical_record_and_trackers AS link
        USING (SELECT patient_id, %s AS model_id FROM medical_records) AS wanted
           ON link.patient_id = wanted.patient_id AND link.model_id = wanted.model_id
        WHEN MATCHED THEN DELETE
        WHEN NOT MATCHED THEN INSERT (patient_id, model_id) VALUES (wanted.patient_id, wanted.model_id)
        """,
        models[0].pk,
    )
    assert counts() == {"P1": 1, "P2": 2, "P3": 1}


def test_deleting_a_patient_deletes_the_links_and_no_others(models: Sequence[TrackerModel]) -> None:
    link("P1", *models)
    link("P2", models[0])
    MedicalRecord.objects.get(pk="P1").delete()
    assert counts() == {"P2": 1, "P3": 0}
    MedicalRecord.objects.all().delete()
    assert counts() == {}


@pytest.mark.parametrize(
    ("table", "left"),
    [
        ("medical_record_and_trackers", {"P1": 0, "P2": 0, "P3": 0}),
        ("tracker_models CASCADE", {"P1": 0, "P2": 0, "P3": 0}),
        ("medical_records CASCADE", {}),
    ],
)
def test_truncated_tables_leave_no_number_behind(
    models: Sequence[TrackerModel], table: str, left: dict[str, int]
) -> None:
    link("P1", *models)
    execute(f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {table}")
    assert counts() == left


def test_what_is_rolled_back_is_not_counted(models: Sequence[TrackerModel]) -> None:
    link("P1", models[0])
    with transaction.atomic():
        link("P1", models[1])
        with transaction.atomic():
            link("P2", *models)
            execute("DELETE FROM medical_record_and_trackers WHERE patient_id = 'P1'")
            assert counts() == {"P1": 0, "P2": 3, "P3": 0}
            transaction.set_rollback(True)
        assert counts() == {"P1": 2, "P2": 0, "P3": 0}
        transaction.set_rollback(True)
    assert counts() == {"P1": 1, "P2": 0, "P3": 0}


def link_to_p1(model: TrackerModel) -> None:
    link("P1", model)


def unlink_from_p2(model: TrackerModel) -> None:
    execute("DELETE FROM medical_record_and_trackers WHERE patient_id = 'P2' AND model_id = %s", model.pk)


def move_from_p2_to_p1(model: TrackerModel) -> None:
    execute("UPDATE medical_record_and_trackers SET patient_id = 'P1' WHERE model_id = %s", model.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "left"),
    [
        (link_to_p1, {"P1": 2, "P2": 3, "P3": 0}),
        (unlink_from_p2, {"P1": 0, "P2": 1, "P3": 0}),
        (move_from_p2_to_p1, {"P1": 2, "P2": 1, "P3": 0}),
    ],
)
def test_two_transactions_that_change_one_patients_links_at_once_are_both_counted(
    models: Sequence[TrackerModel], change: Callable[[TrackerModel], None], left: dict[str, int]
) -> None:
    link("P2", *models)
    with transaction.atomic():
        change(models[0])
        other = start_in_another_session(lambda: change(models[1]))
    other.result()
    assert counts() == left


@pytest.mark.django_db(transaction=True)
def test_a_number_written_by_hand_while_a_link_is_made_is_corrected(models: Sequence[TrackerModel]) -> None:
    with transaction.atomic():
        link("P1", models[0])
        other = start_in_another_session(lambda: MedicalRecord.objects.update(link_count=7))
    other.result()
    assert counts() == {"P1": 1, "P2": 0, "P3": 0}


_THE_PATIENT = "SELECT patient_id FROM medical_records WHERE patient_id = %(patient)s"
_INSERT_LINKS = "INSERT INTO medical_record_and_trackers (patient_id, model_id)"
_DELETE_LINKS = "DELETE FROM medical_record_and_trackers WHERE patient_id = %(patient)s"
_DELETE_PATIENT = f"{_DELETE_LINKS}; DELETE FROM medical_records WHERE patient_id = %(patient)s"
_INSERT_PATIENT = """
    INSERT INTO medical_records (patient_id, name, date_of_birth, gender, medications, link_count)
    VALUES (%(patient)s, 'Ada Byron', '1980-05-17', 'F', false, %(number)s)
"""
STEPS = (
    f"{_INSERT_LINKS} SELECT patient_id, %(model)s FROM ({_THE_PATIENT}) AS p ON CONFLICT DO NOTHING",
    f"{_INSERT_LINKS} SELECT patient_id, model_id FROM ({_THE_PATIENT}) AS p, tracker_models ON CONFLICT DO NOTHING",
    f"{_INSERT_LINKS} SELECT patient_id, %(model)s FROM medical_records ON CONFLICT DO NOTHING",
    _DELETE_LINKS,
    f"{_DELETE_LINKS} AND model_id = %(model)s",
    "DELETE FROM medical_record_and_trackers WHERE model_id = %(model)s",
    "UPDATE medical_record_and_trackers SET source = 'import'",
    """
    UPDATE medical_record_and_trackers AS link SET patient_id = %(patient)s
     WHERE model_id = %(model)s AND patient_id = (SELECT min(patient_id) FROM medical_record_and_trackers)
       AND EXISTS (SELECT FROM medical_records WHERE patient_id = %(patient)s)
       AND NOT EXISTS (SELECT FROM medical_record_and_trackers AS standing
                        WHERE standing.patient_id = %(patient)s AND standing.model_id = link.model_id)
    """,
    "UPDATE medical_records SET link_count = %(number)s",
    "UPDATE medical_records SET link_count = link_count + %(number)s WHERE patient_id <> %(patient)s",
    _DELETE_PATIENT,
    f"{_INSERT_PATIENT} ON CONFLICT DO NOTHING",
    f"{_INSERT_PATIENT} ON CONFLICT (patient_id) DO UPDATE SET link_count = excluded.link_count",
    f"{_DELETE_PATIENT}; {_INSERT_LINKS} SELECT %(patient)s, model_id FROM tracker_models; {_INSERT_PATIENT}",
    "TRUNCATE medical_record_and_trackers",
)
steps = st.tuples(
    st.sampled_from(STEPS), st.sampled_from(PATIENTS), st.sampled_from(BRANDS), st.integers(0, 9), st.booleans()
)


@pytest.mark.django_db
@settings(deadline=None, database=None, max_examples=30)
@given(st.lists(steps, min_size=1, max_size=12))
def test_the_number_is_right_after_any_sequence_of_steps(chosen: list[tuple[str, str, str, int, bool]]) -> None:
    with transaction.atomic():
        models = dict(zip(BRANDS, patients_and_models(), strict=True))
        for statement, patient, brand, number, is_committed in chosen:
            with transaction.atomic():
                execute(statement, patient=patient, model=models[brand].pk, number=number)
                counts()
                transaction.set_rollback(not is_committed)
            counts()
        transaction.set_rollback(True)
