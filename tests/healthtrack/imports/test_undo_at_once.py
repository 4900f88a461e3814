"""An undo, while somebody changes the same rows."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from healthtrack.imports.life_cycle import runs
from healthtrack.imports.models import ImportRun
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.finished_imports import apply
from tests.support.import_files import RECORDS, write_csv

MAX_WAIT = 30  # seconds

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("areas_dropped")]


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    def alone() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=alone)
    thread.start()
    return thread


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def test_an_undo_waits_for_a_change_under_way_and_leaves_its_row(tmp_path: Path) -> None:
    run = RECORDS.run(write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {}))).run
    person = factories.staff()
    with transaction.atomic():
        undo = runs.request_undo(ImportRun.objects.get(pk=run.pk), User.objects.get(pk=person.pk))
    assert undo
    with transaction.atomic():
        MedicalRecord.objects.filter(pk="P1").update(allergies="Pollen")
        thread = in_a_thread(lambda: apply(undo))
        until = time.monotonic() + MAX_WAIT
        while thread.is_alive() and not waits_for_a_lock():
            assert time.monotonic() < until
            thread.join(0.05)
        assert thread.is_alive()
    thread.join()
    assert [(record.pk, record.allergies) for record in MedicalRecord.objects.all()] == [("P1", "Pollen")]
    assert undo.conflicts.get().patient_id == "P1"
