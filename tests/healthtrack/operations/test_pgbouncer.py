"""The program behind the real pgbouncer in transaction mode, where all people share two sessions of the database."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.fault_injection.people import RECORDS, Editor, Person, Steward, form_of
from tests.support import pgbouncer
from tests.support.databases import Database
from tests.support.embedded_postgres import wait_for
from tests.support.serving import Server, environment_of, started, started_worker

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not pgbouncer.PROGRAM, reason="pgbouncer is not installed"),
]

SECONDS = 6.0
EDITORS = ("ada", "grace", "mary")
COPY_OF_THE_DEMO_ACCOUNT = """
    INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name, last_name, email,
                           date_joined)
    SELECT %s, password, is_superuser, is_staff, is_active, '', '', '', now() FROM auth_user WHERE username = 'demo'
    RETURNING id
"""


@contextmanager
def behind_a_pool(database: Database, data: Path) -> Iterator[Server]:
    with pgbouncer.pooled(database, sessions=2) as pool:
        environment = environment_of(pool, data) | {"DATABASE_DIRECT_URL": database.url, "HEALTHTRACK_DEBUG": "0"}
        with started(environment) as server:
            started_worker(server)
            yield server


def work(*people: Person) -> None:
    threads = [threading.Thread(target=person.work) for person in people]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    people[0].stop.set()
    for thread in threads:
        thread.join()


def test_everybody_is_named_for_what_they_did_and_everything_works(database: Database, tmp_path: Path) -> None:
    with behind_a_pool(database, tmp_path / "data") as server:
        port, password, stop = server.port, server.value("password"), threading.Event()
        patients = [patient for (patient,) in database.ask("SELECT patient_id FROM medical_records ORDER BY 1")]
        accounts = {name: database.ask(COPY_OF_THE_DEMO_ACCOUNT, [name])[0][0] for name in EDITORS}
        editors = [
            Editor(port, password, stop, Random(place), username=name, patients=patients[place::3])  # noqa: S311 (not for secrets)
            for place, name in enumerate(EDITORS)
        ]
        steward = Steward(port, password, stop, Random(9))  # noqa: S311 (not for secrets)
        work(*editors, steward)
        assert_each_change_names_its_editor(database, editors, accounts)
        wait_for(
            lambda: database.ask("SELECT count(*) FROM import_runs WHERE state IN ('checking', 'applying')") == [(0,)]
        )
        assert database.ask("SELECT count(*) > 0 FROM import_runs WHERE state = 'applied'") == [(True,)]
        assert len(download(server, editors[0])) == 1 + database.count("medical_records")
        assert not [words for person in (*editors, steward) for words in person.unexpected]
        assert database.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1213485653") == [
            (0,)
        ]


def assert_each_change_names_its_editor(database: Database, editors: list[Editor], accounts: dict[str, int]) -> None:
    for editor in editors:
        saved = {patient: len(numbers) for patient, numbers in editor.committed.items()}
        assert saved, "nobody saved anything"
        recorded = dict(
            database.ask(
                "SELECT patient_id, count(*) FROM changes WHERE table_name = 'medical_records' AND action = 'update'"
                " AND person_id = %s AND run_id IS NULL GROUP BY 1",
                [accounts[editor.username]],
            )
        )
        assert recorded == saved


def download(server: Server, person: Person) -> list[str]:
    """Return the lines of an export of all records, which is streamed from the database."""
    cookie = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
    token = form_of(server.get(f"{RECORDS}export/", cookie), RECORDS, "format").fields["csrfmiddlewaretoken"]
    answer = server.get(f"{RECORDS}export/", cookie, {"csrfmiddlewaretoken": token, "format": "0"})
    assert answer.status == 200
    return answer.body.splitlines()
