"""Through a connection pool in transaction mode, people share sessions of the database and are not mixed up."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, connections, transaction

from healthtrack.audit.actor import acting_as
from healthtrack.audit.models import Action, Change
from healthtrack.core.database.pooling import POOLED, get_direct_alias, use_pool
from healthtrack.core.database.timeouts import PAGE_TIMEOUTS
from healthtrack.imports.life_cycle.locks import run_lock
from patients.models import MedicalRecord
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)

TURNS = 12


@pytest.fixture
def pooled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let Django's connection behave as one to a pool."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict, POOLED, value=True)
    yield
    connection.close()


def setting_within_a_statement(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return str(cursor.fetchone()[0])


def setting_of_the_session(name: str) -> str:
    """Return the setting that the next person would find, without the help of the program."""
    return str(connection.connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0])


def edit_in_a_transaction(record: MedicalRecord, turn: int) -> None:
    with transaction.atomic():
        MedicalRecord.objects.filter(pk=record.pk).update(allergies=f"Pollen {turn}")
        MedicalRecord.objects.filter(pk=record.pk).update(medical_conditions=f"Asthma {turn}")


def edit_in_one_statement(record: MedicalRecord, turn: int) -> None:
    MedicalRecord.objects.filter(pk=record.pk).update(name=f"Ada {turn}")


def in_turns(*clients: Callable[[int], None]) -> None:
    """Let each client act in a thread of its own, one transaction after the other, all in one session of the server."""
    session, barrier = connection.connection, threading.Barrier(len(clients))
    errors: list[BaseException] = []

    def run(place: int, act: Callable[[int], None]) -> None:
        connection.connection, connection.autocommit = session, True  # of this thread's own wrapper
        connection.execute_wrappers[:] = wrappers
        try:
            for turn in range(TURNS):
                for now in range(len(clients)):
                    barrier.wait()
                    if now == place:
                        act(turn)
        except BaseException as error:
            barrier.abort()
            errors.append(error)
            raise
        finally:
            connection.connection = None

    wrappers = list(connection.execute_wrappers)
    threads = [threading.Thread(target=run, args=client) for client in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_two_people_who_take_turns_in_one_session_are_named_for_what_each_did(pooled: None) -> None:
    ada, grace = factories.medical_record("P1"), factories.medical_record("P2")

    def ada_edits(turn: int) -> None:
        with acting_as(1, request="a"):
            (edit_in_a_transaction if turn % 2 else edit_in_one_statement)(ada, turn)

    def grace_edits(turn: int) -> None:
        with acting_as(2, request="b"):
            (edit_in_one_statement if turn % 3 else edit_in_a_transaction)(grace, turn)

    def nobody_edits(turn: int) -> None:
        edit_in_one_statement(ada, 100 + turn)

    in_turns(ada_edits, grace_edits, nobody_edits)
    named = {
        (change.patient_id, change.person_id, change.request)
        for change in Change.objects.filter(action=Action.UPDATE, person_id__isnull=False)
    }
    assert named == {("P1", 1, "a"), ("P2", 2, "b")}
    nobodys = Change.objects.filter(action=Action.UPDATE, person_id=None)
    assert nobodys.count() == TURNS
    assert set(nobodys.values_list("patient_id", flat=True)) == {"P1"}


@pytest.mark.parametrize(("name", "value"), [("search_path", "public"), ("statement_timeout", "30s")])
def test_limits_and_the_search_path_hold_within_each_transaction_only(pooled: None, name: str, value: str) -> None:
    assert setting_within_a_statement(name) == value
    assert setting_of_the_session(name) != value
    with transaction.atomic():
        MedicalRecord.objects.count()
        assert setting_within_a_statement(name) == value


def test_the_limits_are_those_of_pages(pooled: None) -> None:
    assert {name: setting_within_a_statement(name) for name in PAGE_TIMEOUTS} == {
        **PAGE_TIMEOUTS,
        "idle_in_transaction_session_timeout": "1min",
    }


def test_a_run_is_never_locked_through_a_pool(pooled: None) -> None:
    with pytest.raises(RuntimeError, match="cannot be locked through a connection pool"), run_lock(1):
        pass


def test_only_a_process_that_serves_pages_uses_the_pool(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: dict[str, Any] = dict(connections["default"].settings_dict)
    assert get_direct_alias() == "default"
    use_pool()
    assert connections["default"].settings_dict == before
    settings.POOLED_DATABASE = {**before, "PORT": "6432"}
    for name in ("PORT", POOLED):
        monkeypatch.setitem(connections["default"].settings_dict, name, before.get(name))
    use_pool()
    assert connections["default"].settings_dict["PORT"] == "6432"
    assert connections["default"].settings_dict[POOLED]
    assert get_direct_alias() == "direct"
