"""The database restarts or dies during an import. The test has a database server of its own."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from tests.support.embedded_postgres import Client, server_pid
from tests.support.import_files import RECORDS, write_csv
from tests.support.workers import LINK, hold_lock, wait_for, worker

# One patient with another tracker, and three new patients: checked, and queued for import.
START_IMPORT = """
import sys
from pathlib import Path

import django
from django.core.management import call_command

django.setup()
call_command("migrate", verbosity=0)
from healthtrack.imports import tasks
from healthtrack.imports.life_cycle import runs
from tests.support import factories
from tests.support.finished_imports import check_file

factories.medical_record("P1", tracker="Band 2")
factories.tracker_model("Xiaomi", "Band 2")
factories.tracker_model("Amazfit", "Bip")
run = check_file("patients.medicalrecord", Path(sys.argv[1]))
assert runs.request_apply(run, without_invalid=False)
tasks.apply_import.defer(run_id=run.run_id)
"""


@pytest.fixture
def environment(data: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    own = {"HEALTHTRACK_DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "healthtrack.settings"}
    return {**inherited, **own, "HEALTHTRACK_DEBUG": "1"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_an_import_is_completed_once_the_database_is_back(
    data: Path, environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    path = write_csv(tmp_path / "rows.csv", RECORDS.rows(*[{"Tracker": "Bip"}] * 4))
    command = (sys.executable, "-c", START_IMPORT, str(path))
    with Client(data) as database:
        database.ask()
        subprocess.run(command, env=environment, cwd=settings.BASE_DIR, check=True)
        address = f"postgresql://healthtrack@:5432/healthtrack?host={database.place}"
        first_server = server_pid(data)
        with worker(environment=environment):
            with suppress(psycopg.OperationalError), hold_lock(LINK, address) as lock:
                wait_for(lock.is_waited_for)
                os.kill(first_server, number)
                wait_for(lambda: not lock.is_waited_for())
            assert database.ask("SELECT count(*) FROM medical_records") == [[1]]
            assert server_pid(data) != first_server
            with worker(environment=environment):
                wait_for(lambda: database.ask("SELECT state FROM import_runs") != [["applying"]])
        assert database.ask("SELECT state, reason FROM import_runs") == [["applied", ""]]
        assert database.ask("SELECT count(*) FROM medical_records") == [[4]]
