"""The actor is set in the transaction that writes, and reaches no later one on the same connection."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from django.db import connection, transaction

from healthtrack.audit.actor import acting_as
from healthtrack.audit.models import Change
from patients.models import MedicalRecord
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)

INSERT = (
    "INSERT INTO medical_records (patient_id, name, date_of_birth, gender, medications)"
    " VALUES (%s, 'Ada', '1980-05-17', 'F', false)"
)


def recorded() -> list[tuple[str, int | None, int | None, str]]:
    """Return patient, person, run and request of each change."""
    rows = Change.objects.order_by("change_id").values_list("patient_id", "person_id", "run_id", "request")
    return [(str(patient), person, run, request) for patient, person, run, request in rows]


def actor_of_session() -> str:
    """Return the person that is set in the session, without the help of the program."""
    row = connection.connection.execute("SELECT current_setting('healthtrack.person', true)").fetchone()
    return row[0] or ""


def insert_one_by_one() -> None:
    factories.medical_record("P1")


def insert_in_a_batch() -> None:
    with connection.cursor() as cursor:
        cursor.executemany(INSERT, [["P1"]])


def insert_after_reading_by_a_server_side_cursor() -> None:
    with transaction.atomic():
        list(MedicalRecord.objects.iterator(chunk_size=1))
        factories.medical_record("P1")


def insert_after_a_savepoint_was_rolled_back() -> None:
    with transaction.atomic():
        with suppress(ZeroDivisionError), transaction.atomic():
            factories.medical_record("P2")
            raise ZeroDivisionError
        factories.medical_record("P1")


@pytest.mark.parametrize(
    "insert",
    [
        insert_one_by_one,
        insert_in_a_batch,
        insert_after_reading_by_a_server_side_cursor,
        insert_after_a_savepoint_was_rolled_back,
    ],
)
def test_it_is_in_each_transaction_of_the_block_and_in_no_other(insert: Callable[[], None]) -> None:
    with acting_as(7, request="a1"):
        insert()
        assert actor_of_session() == ""
    factories.medical_record("P3")
    assert recorded() == [("P1", 7, None, "a1"), ("P3", None, None, "")]


def test_people_who_share_a_connection_are_not_mixed_up() -> None:
    for person in (1, 2, 1):
        with acting_as(person):
            factories.medical_record(f"P{Change.objects.count()}")
    assert [person for _, person, _, _ in recorded()] == [1, 2, 1]


def test_a_block_within_a_transaction_covers_a_copy_and_gives_way_to_the_actor_before_it() -> None:
    with acting_as(7), transaction.atomic():
        with acting_as(8, 5), connection.cursor() as cursor:
            columns = "(patient_id, name, date_of_birth, gender, medications, made_by_run)"
            with cursor.copy(f"COPY medical_records {columns} FROM STDIN") as copy:
                copy.write_row(["P1", "Ada", "1980-05-17", "F", False, None])
        factories.medical_record("P2")
    assert recorded() == [("P1", 8, 5, ""), ("P2", 7, None, "")]


def test_statements_return_what_they_return_without_an_actor() -> None:
    with acting_as(7), connection.cursor() as cursor:
        cursor.execute("SELECT '5 %'")
        assert cursor.fetchall() == [("5 %",)]
        cursor.execute("SELECT %(share)s, '%%'", {"share": "5 %"})
        assert cursor.fetchall() == [("5 %", "%")]
        cursor.execute(INSERT, ["P1"])
        assert cursor.rowcount == 1
        assert MedicalRecord.objects.update(name="Grace") == 1
        factories.medical_record("P2")
        assert [record.pk for record in MedicalRecord.objects.iterator(chunk_size=1)] == ["P1", "P2"]
    assert [person for _, person, _, _ in recorded()] == [7, 7, 7]
