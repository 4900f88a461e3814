"""Nobody attacks an account without a trace: gunicorn runs in production form, and connects as the application role."""

import json
from collections.abc import Iterator

import psycopg
import pytest
from django.utils import timezone

from healthtrack.accounts.models import SignInEvent
from tests.support.commands import run_script
from tests.support.databases import Database
from tests.support.gunicorn_server import started
from tests.support.serving import Server
from tests.support.signing_in import PASSWORD, code
from tests.support.two_roles import OwnerAndProgram
from tests.support.visitors import CODE, Visitor

KEYS = {"keeper": "3132333435363738393031323334353637383930", "ada": "3132333435363738393031323334353637383931"}
HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"
MAKE_PEOPLE = f"""
from django.contrib.auth.models import User
from django_otp.plugins.otp_totp.models import TOTPDevice
for name, key in {KEYS!r}.items():
    person = User.objects.create_user(name, password={PASSWORD!r}, is_staff=True, is_superuser=name == "ada")
    TOTPDevice.objects.create(user=person, name="app", key=key)
"""
TYPED_BY_MISTAKE = "hunter2 is my password"


def tampering() -> list[str]:
    """Return statements that change, remove or forge events, also in the partition of this month."""
    month = SignInEvent.partitions.get_name(timezone.now().date())
    return [
        *(
            statement.format(table)
            for table in ("sign_in_events", "sign_in_events_default", month)
            for statement in (
                "UPDATE {} SET person_id = NULL",
                "DELETE FROM {}",
                "TRUNCATE {}",
                "ALTER TABLE {} DISABLE TRIGGER ALL",
                "DROP TABLE {}",
            )
        ),
        f"ALTER TABLE sign_in_events DETACH PARTITION {month}",
        f"INSERT INTO {month} SELECT * FROM sign_in_events",
    ]


@pytest.fixture
def server(as_the_program: dict[str, str]) -> Iterator[Server]:
    run_script(as_the_program, MAKE_PEOPLE)
    with started(as_the_program) as server:
        yield server


def ask_events(database: Database) -> list[tuple[str, ...]]:
    return database.ask(
        "SELECT kind, coalesce(person.username, ''), coalesce(actor.username, ''), page, host(client_address)"
        "  FROM sign_in_events AS event LEFT JOIN auth_user AS person ON person.id = person_id"
        "  LEFT JOIN auth_user AS actor ON actor.id = actor_id ORDER BY event_id"
    )


def test_guesses_a_stolen_password_and_refused_pages_leave_a_trace_that_nobody_can_remove(
    server: Server, deployed: OwnerAndProgram
) -> None:
    owner, program = deployed
    thief = Visitor(server, ELSEWHERE)
    assert thief.sign_in(TYPED_BY_MISTAKE, PASSWORD) == 200
    for guess in ("guess", "another guess"):
        assert thief.sign_in("keeper", guess) == 200
    assert thief.sign_in("keeper", PASSWORD) == 302
    assert thief.ask(CODE, {"code": "not a code"}).status == 200
    assert thief.ask(CODE, {"code": code(KEYS["keeper"])}).status == 302
    refused = thief.ask("/admin/auth/user/add/?username=Byron")
    assert refused.status == 403
    thief.ask("/admin/logout/", {"unused": ""})
    before = ask_events(owner)
    assert before == [
        ("wrong-password", "", "", "", ELSEWHERE),
        ("wrong-password", "keeper", "", "", ELSEWHERE),
        ("wrong-password", "keeper", "", "", ELSEWHERE),
        ("password-accepted", "keeper", "", "", ELSEWHERE),
        ("wrong-code", "keeper", "", "", ELSEWHERE),
        ("signed-in", "keeper", "", "", ELSEWHERE),
        ("page-refused", "keeper", "", "admin:auth_user_add", ELSEWHERE),
        ("signed-out", "keeper", "", "", ELSEWHERE),
    ]
    for statement in tampering():
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)):
            program.ask(statement)
    assert ask_events(owner) == before
    with pytest.raises(psycopg.errors.InsufficientPrivilege):  # not even the owner's statements
        owner.ask("DELETE FROM sign_in_events")
    stored = str(owner.ask("SELECT event::text FROM sign_in_events AS event"))
    _, log = server.stop()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    events = [line for line in lines if "event" in line]
    assert [line["event"] for line in events] == [kind for kind, *_ in before]
    assert {line["address"] for line in events} == {ELSEWHERE}
    assert all(line["request"] for line in events)
    assert len({line["account"] for line in events[1:]}) == 1
    assert events[6]["request"] == refused.headers["X-Request-ID"]
    for secret in ("hunter2", "guess", "keeper", "Byron", PASSWORD):
        assert secret not in log
        assert secret not in stored


def test_an_administrator_who_resets_an_account_is_named(server: Server, deployed: OwnerAndProgram) -> None:
    owner, _ = deployed
    ((keeper,),) = owner.ask("SELECT id FROM auth_user WHERE username = 'keeper'")
    administrator = Visitor(server, HERE)
    assert administrator.sign_in("ada", PASSWORD) == 302
    assert administrator.ask(CODE, {"code": code(KEYS["ada"])}).status == 302
    owner.ask("UPDATE otp_totp_totpdevice SET last_t = -1")  # the code of this moment works again
    confirmation = {"confirmation_code": code(KEYS["ada"])}
    assert administrator.ask(f"/admin/auth/user/{keeper}/reset-factor/", confirmation).status == 302
    assert ask_events(owner)[-1] == ("reset", "keeper", "ada", "", HERE)


def test_strangers_cannot_fill_the_disk_with_refusals(server: Server, deployed: OwnerAndProgram) -> None:
    owner, _ = deployed
    stranger = Visitor(server, ELSEWHERE)
    for _ in range(5):
        status = stranger.sign_in("keeper", "guess")
    assert status == 429
    stranger.ask("/admin/login/")
    for _ in range(110):
        assert stranger.ask("/admin/login/", {"username": "keeper", "password": "guess"}).status == 429
    counts = dict(owner.ask("SELECT kind, count(*) FROM sign_in_events GROUP BY 1"))
    assert counts == {"wrong-password": 5, "locked-out": 100}
