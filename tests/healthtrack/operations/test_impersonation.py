"""An administrator who acts as somebody else leaves traces that neither administrators nor the program can remove."""

import re
from base64 import b32decode
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from tests.support.commands import run_script
from tests.support.gunicorn_server import started
from tests.support.serving import Server
from tests.support.signing_in import PASSWORD, code
from tests.support.two_roles import OwnerAndProgram
from tests.support.visitors import Visitor

USERS, RECORD = "/admin/auth/user/", "/admin/patients/medicalrecord/P1/"
GIVEN, OWN, OF_KEEPER = (f"seven green {things} dancing" for things in ("umbrellas", "kettles", "bicycles"))
MAKE_PEOPLE = f"""
from django.contrib.auth.models import Group, User
from tests.support import factories
for name, role in (("office", "Administrator"), ("keeper", "Record keeper")):
    person = User.objects.create_user(name, password={PASSWORD!r}, is_staff=True)
    person.groups.add(Group.objects.get(name=role))
factories.medical_record("P1")
"""
COVER_UPS = (
    "DELETE FROM auth_user WHERE username = 'ghost'",
    "DELETE FROM changes",
    "UPDATE changes SET person_id = NULL",
    "INSERT INTO account_names (account_id, name) SELECT id, 'other' FROM auth_user",
    "UPDATE account_names SET name = 'other'",
    "DELETE FROM account_names",
)


@pytest.fixture
def server(as_the_program: dict[str, str]) -> Iterator[Server]:
    run_script(as_the_program, MAKE_PEOPLE)
    with started(as_the_program) as server:
        yield server


@dataclass
class Person:
    """Somebody in a browser of their own, with the recovery codes that they have not used."""

    browser: Visitor
    codes: list[str]

    def confirm(self, page: str, **form: str) -> int:
        return self.browser.ask(page, {**form, "confirmation_code": self.codes.pop()}).status


def enter(server: Server, name: str, password: str) -> Person:
    """Sign in and set up an app."""
    browser = Visitor(server, "203.0.113.7")
    assert browser.sign_in(name, password) == 302
    return enrol(browser)


def enter_by_link(server: Server, link: str, password: str) -> Person:
    """Set the password with a sign-in link, and set up an app."""
    browser = Visitor(server, "203.0.113.7")
    assert "office created an account for ghost" in " ".join(browser.ask(link).body.split())
    assert browser.ask(link, {"new_password1": password, "new_password2": password}).status == 302
    return enrol(browser)


def enrol(browser: Visitor) -> Person:
    """Set up an app in a browser whose person has given the password."""
    (key,) = re.findall(r'<code class="key">(.*?)</code>', browser.ask("/sign-in/enrol/").body)
    answer = browser.ask("/sign-in/enrol/", {"code": code(b32decode(key.replace(" ", "")).hex())})
    return Person(browser, re.findall(r"<li><code>(.*?)</code>", answer.body))


def replace_password(person: Person, old: str, new: str) -> str:
    """Set the new password that the sign-in demands, and return the page that demanded it."""
    page = "/admin/password_change/"
    assert person.browser.ask("/").headers["Location"].startswith(page)
    text = person.browser.ask(page).body
    form = {"old_password": old, "new_password1": new, "new_password2": new}
    assert person.browser.ask(page, form).status == 302
    return text


def add_account(person: Person, name: str, **form: str) -> str:
    """Try to add an account, and return its sign-in link, "" if there is none."""
    body = person.browser.ask(f"{USERS}add/", {"username": name, **form}).body
    return next(iter(re.findall(r"/sign-in/link/[^/]+/", body)), "")


def get_history(reader: Person, account: str) -> list[str]:
    """Return the lines of an account's history page, without markup."""
    lines = re.findall(r"<tr>(.*?)</tr>", reader.browser.ask(f"{account}history/").body, re.DOTALL)
    return [" ".join(re.sub("<.*?>", " ", line).split()) for line in lines]


def test_an_administrator_who_acts_as_somebody_else_is_named(server: Server, deployed: OwnerAndProgram) -> None:
    owner, program = deployed
    people = dict(owner.ask("SELECT username, id FROM auth_user"))
    ((role,),) = owner.ask("SELECT id FROM auth_group WHERE name = 'Administrator'")

    # The office makes a second administrator, who takes over the account of a record keeper and deletes a patient.
    office = enter(server, "office", PASSWORD)
    ghost = enter_by_link(server, add_account(office, "ghost", groups=str(role)), OWN)
    ((number,),) = owner.ask("SELECT id FROM auth_user WHERE username = 'ghost'")
    page_of_ghost = f"{USERS}{number}/change/"
    enter(server, "keeper", PASSWORD)
    page_of_keeper = f"{USERS}{people['keeper']}/"
    new = {"usable_password": "true", "password1": OF_KEEPER, "password2": OF_KEEPER}
    assert ghost.confirm(f"{page_of_keeper}password/", **new) == 302
    assert ghost.confirm(f"{page_of_keeper}reset-factor/") == 302
    impostor = enter(server, "keeper", OF_KEEPER)
    demanded = replace_password(impostor, OF_KEEPER, OWN)
    assert "ghost set your password" in demanded
    assert "ghost reset your two-factor authentication" in demanded
    assert impostor.browser.ask(f"{RECORD}delete/", {"post": "yes"}).status == 302

    # The office removes the second administrator.
    account = page_of_ghost.removesuffix("change/")
    number = account.split("/")[-2]
    office.browser.ask(f"{account}delete/", {"post": "yes"})
    selected = {"action": "delete_selected", "_selected_action": number, "post": "yes"}
    office.browser.ask(USERS, selected)
    old = {"last_login_0": "2020-01-01", "last_login_1": "00:00", "date_joined_0": "2019-01-01", "date_joined_1": "0:0"}
    assert (
        office.browser.ask(page_of_ghost, {"username": "innocent", "is_staff": "on", "groups": str(role), **old}).status
        == 302
    )
    assert office.confirm(f"{account}deactivate/") == 302
    assert add_account(office, "Ghost") == ""
    for statement in COVER_UPS:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            program.ask(statement)

    # The account is still there, and the history names it.
    recent = "least(last_login, date_joined) > now() - interval '1 hour'"
    assert owner.ask(f"SELECT username, is_active, {recent} FROM auth_user WHERE id = {number}") == [
        ("innocent", False, True)
    ]
    of_keeper, of_ghost = (get_history(office, page) for page in (page_of_keeper, account))
    for words in (
        "ghost User keeper changed Password",
        "ghost Authenticator app of user keeper removed",
        "keeper User keeper changed Password",
    ):
        assert any(words in line for line in of_keeper), of_keeper
    for words in (
        "office User ghost added",
        "office Role of user ghost added Role: became Administrator",
        "office User innocent changed Username: was ghost became innocent",
        "office User innocent changed Active: was Yes became No",
    ):
        assert any(words in line for line in of_ghost), of_ghost
    deleted = "SELECT person_id FROM changes WHERE patient_id = 'P1' AND action = 'delete'"
    assert owner.ask(deleted) == [(people["keeper"],)]
