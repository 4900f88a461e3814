"""Imports whose worker is killed, stopped or delayed, with real processes: nothing is left half done."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.conf import settings as project
from django.db import connection
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from healthtrack.imports.models import ImportRun, Stage, State
from healthtrack.imports.reasons import Reason
from healthtrack.imports.staging_tables import list_staged_runs
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.finished_imports import get_counts, get_result
from tests.support.import_files import RECORDS, links, write_csv
from tests.support.import_pages import last_run
from tests.support.quick_worker import WITHOUT_END
from tests.support.signing_in import AsRole
from tests.support.workers import LINK, environment_of_the_tests, hold_lock, wait_for, wait_for_state, worker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("data_folder", "areas_dropped", "jobs_dropped"),
]

RECORDS_TABLE = "LOCK TABLE medical_records IN ACCESS EXCLUSIVE MODE"
JOBS_TABLE = "LOCK TABLE procrastinate_jobs IN SHARE MODE"
BEFORE = {("P1", "Xiaomi", "Band 2")}
AFTER = {(f"P{number}", "Amazfit", "Bip") for number in range(1, 5)}


@pytest.fixture
def steward(as_role: AsRole) -> Client:
    factories.medical_record("P1", tracker="Band 2")
    factories.tracker_model("Xiaomi", "Band 2")
    factories.tracker_model("Amazfit", "Bip")
    assert links() == BEFORE
    return as_role("Data steward")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one patient who has another tracker now, and three new patients."""
    return write_csv(tmp_path / "rows.csv", RECORDS.rows(*[{"Tracker": "Bip"}] * 4))


def upload(steward: Client, path: Path) -> ImportRun:
    with path.open("rb") as file:
        assert steward.post(RECORDS.address("import"), {"import_file": file}).status_code == 302
    return last_run()


def press_import(steward: Client, run: ImportRun) -> ImportRun:
    assert steward.post(f"/admin/imports/importrun/{run.pk}/apply/").status_code == 302
    return run


def cancel(steward: Client, run: ImportRun) -> None:
    steward.post(f"/admin/imports/importrun/{run.pk}/cancel/")


@pytest.fixture
def checked(steward: Client, path: Path) -> ImportRun:
    run = upload(steward, path)
    with worker():
        wait_for_state(run, State.CHECKED)
        wait_for(lambda: not jobs())  # the worker ends the job a moment after the check
    return run


def jobs() -> list[str]:
    return list(ProcrastinateJob.objects.filter(args__has_key="run_id").values_list("status", flat=True))


def outcome(run: ImportRun) -> tuple[int, int, int]:
    counts = get_counts(run)
    return counts.new, counts.changed, counts.unchanged


def assert_untouched() -> None:
    assert MedicalRecord.objects.count() == 1
    assert links() == BEFORE


def assert_applied(run: ImportRun) -> None:
    wait_for_state(run, State.APPLIED)
    assert (*outcome(run), get_result(run).effects["linked"]) == (3, 1, 0, 4)
    assert MedicalRecord.objects.count() == 4
    assert links() == AFTER


def assert_nothing_stored(settings: LazySettings) -> None:
    assert list_staged_runs() == set()
    uploads = settings.MEDIA_ROOT
    # The worker removes the file right after the transaction that ends the run.
    wait_for(lambda: not any(uploads.iterdir()))


def is_reading(run: ImportRun) -> bool:
    return ImportRun.objects.filter(pk=run.pk, stage=Stage.READING, items_done__gt=0).exists()


def test_the_next_worker_repeats_a_check_whose_worker_was_killed(steward: Client, path: Path) -> None:
    run = upload(steward, path)
    with worker(WITHOUT_END) as first:
        wait_for(lambda: is_reading(run))
        first.kill()
    with worker():
        wait_for_state(run, State.CHECKED)
    assert (run.read_count, *outcome(run)) == (4, 3, 1, 0)
    assert_untouched()


def test_an_import_whose_worker_was_killed_leaves_no_row_and_the_next_worker_repeats_it(
    steward: Client, checked: ImportRun
) -> None:
    run = press_import(steward, checked)
    with hold_lock(LINK) as lock, worker() as first:
        wait_for(lock.is_waited_for)
        first.kill()
    assert_untouched()
    with worker():
        assert_applied(run)


def test_an_import_whose_worker_was_killed_before_it_ended_the_job_is_not_repeated(
    steward: Client, checked: ImportRun
) -> None:
    run = press_import(steward, checked)
    with worker() as first, ExitStack() as while_writing:
        wait_for(while_writing.enter_context(hold_lock(LINK)).is_waited_for)
        with hold_lock(JOBS_TABLE) as lock:
            while_writing.close()
            wait_for_state(run, State.APPLIED)
            wait_for(lock.is_waited_for)
            first.kill()
            lock.end_waiting_sessions()
    MedicalRecord.objects.filter(pk="P2").delete()
    assert jobs() == ["doing"]
    with worker():
        wait_for(lambda: not jobs())
    assert not MedicalRecord.objects.filter(pk="P2").exists()
    assert ImportRun.objects.get(pk=run.pk).state == State.APPLIED


def test_an_import_fails_after_its_third_worker_was_killed(
    steward: Client, checked: ImportRun, settings: LazySettings
) -> None:
    run = press_import(steward, checked)
    with hold_lock(LINK) as lock:
        for _ in range(3):
            with worker() as killed:
                wait_for(lock.is_waited_for)
                killed.kill()
            wait_for(lambda: not lock.is_waited_for())
        with worker():
            wait_for_state(run, State.FAILED)
            assert_nothing_stored(settings)
    assert run.reason == Reason.WORKER_ENDED
    assert_untouched()


def test_the_next_worker_repeats_an_import_whose_worker_was_stopped(steward: Client, checked: ImportRun) -> None:
    run = press_import(steward, checked)
    with hold_lock(LINK) as lock, worker() as first:
        wait_for(lock.is_waited_for)
        assert first.stop() == 0
    assert_untouched()
    with worker():
        assert_applied(run)


def test_imports_run_one_after_the_other_and_each_is_compared_again(
    steward: Client, checked: ImportRun, tmp_path: Path
) -> None:
    others = write_csv(tmp_path / "others.csv", RECORDS.rows({}, {"patient_id": "P2", "name": "Grace Hopper"})[1:])
    second = upload(steward, others)
    with worker(), worker():
        wait_for_state(second, State.CHECKED)
        assert outcome(second)[:2] == (1, 0)
        with hold_lock(LINK) as lock:
            press_import(steward, checked)
            wait_for(lock.is_waited_for)
            press_import(steward, second)
            with import_by_command(others) as command:
                wait_for(waits_for_the_import_lock)
                second.refresh_from_db()
                assert (second.state, second.stage) == (State.APPLYING, Stage.WAITING)
                assert_untouched()
                lock.end()
                assert command.wait() == 0
        by_command = last_run()
        assert outcome(by_command) == (0, 1, 0)
        # Both imports before it changed what its preview showed, one of them perhaps after it was compared again.
        wait_for_state(second, State.CHECKED)
        while not is_applied_once_confirmed(steward, second):
            assert get_result(second).stale == 1
    assert outcome(second) == (0, 0, 1)
    assert MedicalRecord.objects.get(pk="P2").name == "Grace Hopper"
    assert MedicalRecord.objects.count() == 4


def is_applied_once_confirmed(steward: Client, run: ImportRun) -> bool:
    """Confirm the preview, and return whether the run is then applied; otherwise it shows a new preview."""
    press_import(steward, run)

    def is_done() -> bool:
        run.refresh_from_db()
        return not run.is_working

    wait_for(is_done)
    return run.is_applied


def import_by_command(path: Path) -> subprocess.Popen[bytes]:
    command = (sys.executable, "manage.py", RECORDS.command, path)
    return subprocess.Popen(command, env=environment_of_the_tests(), cwd=project.BASE_DIR, stdout=subprocess.DEVNULL)


def waits_for_the_import_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT count(*) FROM pg_locks JOIN pg_database AS here ON here.oid = database
             WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted
        """)
        return bool(cursor.fetchone()[0])


def test_a_check_cancelled_while_reading_leaves_nothing(steward: Client, path: Path, settings: LazySettings) -> None:
    run = upload(steward, path)
    with worker(WITHOUT_END):
        wait_for(lambda: is_reading(run))
        cancel(steward, run)
        wait_for_state(run, State.CANCELLED)
        assert_nothing_stored(settings)
    assert_untouched()


def test_a_check_cancelled_while_comparing_leaves_nothing(steward: Client, path: Path, settings: LazySettings) -> None:
    run = upload(steward, path)
    with hold_lock(RECORDS_TABLE) as lock, worker():
        wait_for(lock.is_waited_for)
        cancel(steward, run)
        wait_for_state(run, State.CANCELLED)
        assert_nothing_stored(settings)
    assert_untouched()


def test_an_import_cancelled_while_writing_leaves_nothing(
    steward: Client, checked: ImportRun, settings: LazySettings
) -> None:
    run = press_import(steward, checked)
    with hold_lock(LINK) as lock, worker():
        wait_for(lock.is_waited_for)
        cancel(steward, run)
        wait_for_state(run, State.CANCELLED)
        assert_nothing_stored(settings)
    assert_untouched()
