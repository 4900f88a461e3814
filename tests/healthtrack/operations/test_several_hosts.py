"""Two web servers and a worker, each with a data folder of its own, as on three hosts."""

import base64
import hashlib
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from django.conf import settings

from tests.fault_injection.people import RECORDS, Editor, Person, Steward, form_of
from tests.support.databases import Database, temporary_database
from tests.support.embedded_postgres import wait_for
from tests.support.gunicorn_server import started
from tests.support.object_storage import object_storage
from tests.support.page import Page
from tests.support.serving import Server, environment_of
from tests.support.workers import worker

pytestmark = pytest.mark.slow

NAME, PASSWORD = "ada", "seven green umbrellas"
REPORT = "/reports/age-groups/"
IMPORTS = "/admin/imports/importrun/"
UNFINISHED = f"{IMPORTS}unfinished/"
HEADER = "patient_id,name,date_of_birth,gender,medical_conditions,medications,allergies,last_appointment_date,Tracker"


@dataclass
class Hosts:
    """The web servers of two hosts, and their database."""

    first: Server
    second: Server
    database: Database


@pytest.fixture(scope="module")
def hosts(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    shared = {"HEALTHTRACK_UPLOADS_DIR": str(tmp_path_factory.mktemp("shared"))}
    with running(template, tmp_path_factory, shared) as hosts:
        yield hosts


@contextmanager
def running(template: str, folders: pytest.TempPathFactory, uploads: dict[str, str]) -> Iterator[Hosts]:
    """Run the hosts with the variables that say where uploads are stored."""
    with temporary_database(template) as database, ExitStack() as stack:
        environments = [environment_of_host(database, folders.mktemp("host")) | uploads for _ in range(3)]
        create_account(environments[0])
        servers = [stack.enter_context(started(environment)) for environment in environments[:2]]
        stack.enter_context(worker(environment=environments[2]))
        yield Hosts(servers[0], servers[1], database)


def environment_of_host(database: Database, data: Path) -> dict[str, str]:
    return environment_of(database, data) | {
        "HEALTHTRACK_DEBUG": "0",
        "HEALTHTRACK_SECOND_FACTOR": "0",
        "HEALTHTRACK_SECRET_KEY": "c1dec0ffee" * 6,
        "HEALTHTRACK_TOTP_KEYS": "5e" * 32,
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


def test_a_large_file_whose_chunks_arrive_at_two_hosts_is_read_from_object_storage(
    template: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = "".join(f"P{number},Ada Byron,1980-05-17,F,,no,,,\n" for number in range(250_000))
    content = f"{HEADER}\n{rows}".encode()
    with object_storage() as storage, running(template, tmp_path_factory, storage.environment) as hosts:
        person = person_at(hosts.first)
        facts = {"name": "rows.csv", "size": str(len(content)), "modified_ms": "1"}
        begun = json.loads(post(person, f"{UNFINISHED}start/", {**facts, **token_of(person)}))
        size = begun["chunk_bytes"]
        assert size < len(content) < 2 * size
        for chunk, server in enumerate((hosts.second, hosts.first), start=1):
            piece = content[(chunk - 1) * size : chunk * size]
            send_chunk(person, server, f"{UNFINISHED}{begun['number']}/{chunk}/", piece)
        assert len(storage.list_objects()) == 2
        post(person, f"{IMPORTS}upload/", {"unfinished": str(begun["number"]), "kind": "", **token_of(person)})
        checked = "SELECT read_count FROM import_runs WHERE state = 'checked'"
        wait_for(lambda: bool(hosts.database.ask(checked)), 120)
        assert hosts.database.ask(checked) == [(250_000,)]


def token_of(person: Person) -> dict[str, str]:
    return {"csrfmiddlewaretoken": person.cookies["csrftoken"]}


def post(person: Person, address: str, fields: dict[str, str]) -> bytes:
    answer = person.ask(address, fields)
    assert answer
    assert answer.status in {200, 302}, answer.body
    return answer.content


def send_chunk(person: Person, server: Server, address: str, content: bytes) -> None:
    headers = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in person.cookies.items()),
        "Content-Type": "application/octet-stream",
        "Content-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:",
        "X-CSRFToken": person.cookies["csrftoken"],
    }
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as line:
        line.request("POST", address, content, headers)
        assert line.getresponse().status == 200


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
