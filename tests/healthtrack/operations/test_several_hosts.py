"""Two web servers and a worker, each with a data folder of its own, as on three hosts."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from django.conf import settings

from tests.fault_injection.people import RECORDS, Editor, Person, Steward, form_of
from tests.support.databases import Database, temporary_database
from tests.support.embedded_postgres import wait_for
from tests.support.gunicorn_server import started
from tests.support.page import Page
from tests.support.serving import Server, environment_of
from tests.support.workers import worker

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

NAME, PASSWORD = "ada", "seven green umbrellas"
REPORT = "/reports/age-groups/"


@dataclass
class Hosts:
    """The web servers of two hosts, and their database."""

    first: Server
    second: Server
    database: Database


@pytest.fixture(scope="module")
def hosts(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    shared = tmp_path_factory.mktemp("shared")
    with temporary_database(template) as database, ExitStack() as stack:
        environments = [environment_of_host(database, tmp_path_factory.mktemp("host"), shared) for _ in range(3)]
        create_account(environments[0])
        servers = [stack.enter_context(started(environment)) for environment in environments[:2]]
        stack.enter_context(worker(environment=environments[2]))
        yield Hosts(servers[0], servers[1], database)


def environment_of_host(database: Database, data: Path, uploads: Path) -> dict[str, str]:
    return environment_of(database, data) | {
        "HEALTHTRACK_DEBUG": "0",
        "HEALTHTRACK_SECOND_FACTOR": "0",
        "HEALTHTRACK_SECRET_KEY": "c1dec0ffee" * 6,
        "HEALTHTRACK_TOTP_KEYS": "5e" * 32,
        "HEALTHTRACK_UPLOADS_DIR": str(uploads),
        "WEB_CONCURRENCY": "1",
    }


def create_account(environment: dict[str, str]) -> None:
    options = ["--noinput", "--username", NAME, "--email", "a@b.example"]
    environment = {**environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    command = [sys.executable, "manage.py", "createsuperuser", *options]
    subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True, capture_output=True)


def person_at(server: Server, kind: type[Person] = Person) -> Person:
    person = kind(server.port, PASSWORD, threading.Event(), Random(1), username=NAME)  # noqa: S311 (not for secrets)
    person.sign_in()
    return person


def test_a_session_of_one_host_is_valid_on_the_other(hosts: Hosts) -> None:
    person = person_at(hosts.first)
    person.port = hosts.second.port
    answer = person.ask("/")
    assert answer
    assert answer.status == 200


def test_a_file_that_one_host_receives_is_imported_by_the_worker_of_another(hosts: Hosts) -> None:
    steward = person_at(hosts.first, Steward)
    imported = "SELECT count(*) FROM import_runs WHERE state = 'applied'"
    before = hosts.database.ask(imported)

    def step() -> bool:
        steward.step()
        return hosts.database.ask(imported) > before

    wait_for(step, 60)
    assert hosts.database.count("medical_records") >= 400


def test_a_change_on_one_host_shows_in_a_report_of_the_other(hosts: Hosts) -> None:
    insert = (
        "INSERT INTO medical_records (patient_id, name, date_of_birth, gender, medications)"
        " VALUES (%s, 'Ada', '1980-05-17', 'F', false)"
    )
    hosts.database.ask(insert, ["H1"])
    reader, editor = person_at(hosts.second), person_at(hosts.first, Editor)
    before = count_of_report(reader)
    page = editor.ask(f"{RECORDS}add/")
    assert page
    form = form_of(page, f"{RECORDS}add/", "date_of_birth").fields
    added = {"patient_id": "H2", "name": "Grace", "date_of_birth": "1990-01-01", "gender": "F"}
    answer = editor.ask(f"{RECORDS}add/", form | added)
    assert answer
    assert answer.status == 302, answer.body
    assert count_of_report(reader) == before + 1


def count_of_report(reader: Person) -> int:
    answer = reader.ask(REPORT)
    assert answer
    (total,) = Page(answer.content).rows(part="tfoot")
    return int(total[1].replace(",", ""))


def test_failed_sign_ins_count_on_both_hosts_together(hosts: Hosts) -> None:
    for server in (hosts.first, hosts.second) * 3:
        person = Person(server.port, "wrong", threading.Event(), Random(1), username="nobody")  # noqa: S311 (not for secrets)
        person.sign_in()
    locked = Person(hosts.second.port, "wrong", threading.Event(), Random(1), username="nobody")  # noqa: S311 (not for secrets)
    page = locked.ask("/admin/login/")
    assert page
    form = form_of(page, "/admin/login/", "username").fields | {"username": "nobody", "password": "wrong"}
    answer = locked.ask("/admin/login/", form)
    assert answer
    assert answer.status == 429


def test_each_host_serves_its_static_files(hosts: Hosts) -> None:
    for server in (hosts.first, hosts.second):
        style = Page(server.get("/admin/login/").content).one('link[href*="core/frame"]').get("href")
        assert server.get(str(style)).status == 200
