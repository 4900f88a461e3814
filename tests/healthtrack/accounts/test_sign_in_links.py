"""New people sign in for the first time with a link that works once."""

import json
import logging
import secrets
from collections.abc import Iterator
from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.core.mail import EmailMessage
from django.db import Error, transaction
from django.test import Client
from django.utils import timezone

from healthtrack.accounts.models import Mail, Session, SignInEvent, SignInLink
from healthtrack.accounts.sign_in.sessions import SessionStore
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.accounts.sign_in_links import make_digest
from healthtrack.audit.models import Change
from healthtrack.core.environment_values import parse_mail_server
from healthtrack.core.logs import RedactingJsonFormatter
from tests.support import factories
from tests.support.page import Page
from tests.support.signing_in import client_for, enrol_app

pytestmark = pytest.mark.django_db

USERS = "/admin/auth/user/"
PERMISSIONS = ("auth.view_user", "auth.add_user", "auth.change_user", "signin.view_signinevent")
NEW_PASSWORD = "seven green umbrellas dancing"
PASSWORDS = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
GRACE = {"username": "grace", "first_name": "Grace", "last_name": "Hopper", "email": "grace@hospital.example"}


@pytest.fixture
def administrator() -> User:
    return factories.staff(*PERMISSIONS, username="office")


@pytest.fixture
def office(administrator: User) -> Client:
    return client_for(administrator)


def add_grace(office: Client) -> str:
    """Add an account, and return the address of its link."""
    return read_link(office.post(f"{USERS}add/", GRACE).content.decode())


def read_link(page: str) -> str:
    _, _, rest = page.partition('id="link" type="text" value="http://testserver')
    return rest.partition('"')[0]


def grace() -> User:
    return User.objects.get(username="grace")


def events() -> list[tuple[str, str, str]]:
    found = SignInEvent.objects.filter(kind__in=[Kind.LINK_ISSUED, Kind.LINK_USED, Kind.SIGNED_IN]).order_by("event_id")
    return [(event.kind, str(event.person), str(event.actor or "")) for event in found]


def test_a_new_person_sees_who_issued_the_link_and_sets_a_password(office: Client) -> None:
    link = add_grace(office)
    browser = Client()
    page = browser.get(link).content.decode()
    assert "office created an account for Grace Hopper" in " ".join(page.split())
    assert "<strong>grace</strong>" in page
    assert browser.post(link, PASSWORDS)["Location"] == "/"
    assert browser.get("/").status_code == 200
    assert grace().check_password(NEW_PASSWORD)


def test_opening_the_link_signs_nobody_in_and_uses_nothing_up(office: Client) -> None:
    link = add_grace(office)
    for _ in range(3):
        scanner = Client()
        assert scanner.get(link).status_code == 200
        assert scanner.head(link).status_code == 200
        assert "_auth_user_id" not in scanner.session
    assert Client().post(link, PASSWORDS).status_code == 302


def test_a_weak_password_is_refused_and_does_not_use_the_link_up(office: Client) -> None:
    link = add_grace(office)
    answer = Client().post(link, {"new_password1": "grace", "new_password2": "grace"})
    assert "too similar to the username" in answer.content.decode()
    assert not grace().has_usable_password()
    assert Client().post(link, PASSWORDS).status_code == 302


def test_a_link_works_once(office: Client) -> None:
    link = add_grace(office)
    Client().post(link, PASSWORDS)
    answer = Client().post(link, {"new_password1": "x", "new_password2": "x"})
    assert answer.status_code == 410
    assert "This link does not work" in answer.content.decode()
    assert Client().get(link).status_code == 410
    assert grace().check_password(NEW_PASSWORD)


def test_a_link_ends_after_72_hours(office: Client) -> None:
    link = add_grace(office)
    row = SignInLink.objects.get()
    assert row.expires_at - row.issued_at == timedelta(hours=72)
    early = timezone.now() - timedelta(hours=73)
    SignInLink.objects.update(issued_at=early, expires_at=early + timedelta(hours=72))
    assert Client().get(link).status_code == 410
    assert Client().post(link, PASSWORDS).status_code == 410


def test_the_database_refuses_a_link_that_is_valid_for_longer(office: Client) -> None:
    add_grace(office)
    with pytest.raises(Error, match="sign_in_links_72_hours_at_most"), transaction.atomic():
        SignInLink.objects.update(expires_at=timezone.now() + timedelta(hours=80))


def test_the_database_refuses_a_link_for_somebody_who_has_signed_in(office: Client, administrator: User) -> None:
    add_grace(office)
    link = SignInLink.objects.get()
    with pytest.raises(Error, match="only for accounts that have never signed in"), transaction.atomic():
        SignInLink.objects.create(
            account=administrator,
            digest="d",
            issued_by=administrator,
            issued_at=link.issued_at,
            expires_at=link.expires_at,
        )


def test_a_new_link_ends_the_earlier_one(office: Client) -> None:
    first = add_grace(office)
    address = f"{USERS}{grace().pk}/sign-in-link/"
    assert "ends an earlier one" in office.get(address).content.decode()
    second = read_link(office.post(address).content.decode())
    assert first != second
    assert Client().get(first).status_code == 410
    assert Client().post(second, PASSWORDS).status_code == 302


def test_nobody_gets_a_new_link_after_the_first_sign_in(office: Client) -> None:
    Client().post(add_grace(office), PASSWORDS)
    page = f"{USERS}{grace().pk}/"
    assert "sign-in-link" not in office.get(f"{page}change/").content.decode()
    answer = office.post(f"{page}sign-in-link/", follow=True)
    assert "only for active accounts that have never signed in" in answer.content.decode()
    assert not SignInLink.objects.exists()


def test_a_new_link_needs_a_code_of_an_administrator_who_has_an_app(office: Client, administrator: User) -> None:
    first = add_grace(office)
    enrol_app(administrator)
    answer = office.post(f"{USERS}{grace().pk}/sign-in-link/")
    assert "This field is required" in answer.content.decode()
    assert read_link(answer.content.decode()) == ""
    assert Client().get(first).status_code == 200


@pytest.mark.parametrize("change", ["password", "role", "deactivated", "superuser", "sign-in"])
def test_a_link_ends_when_the_sign_in_or_the_rights_of_the_account_change(office: Client, change: str) -> None:
    link = add_grace(office)
    account = grace()
    if change == "role":
        account.groups.add(Group.objects.get(name="Administrator"))
    elif change == "sign-in":
        Client().force_login(account)
    else:
        account.set_password("x")
        value = {"password": account.password, "deactivated": False, "superuser": True}[change]
        field = {"password": "password", "deactivated": "is_active", "superuser": "is_superuser"}[change]
        User.objects.filter(pk=account.pk).update(**{field: value})
    assert not SignInLink.objects.exists()
    assert Client().post(link, PASSWORDS).status_code == 410


def test_in_a_browser_in_which_somebody_is_signed_in_the_link_changes_nothing(office: Client) -> None:
    link = add_grace(office)
    assert "You are signed in as office." in office.get(link).content.decode()
    assert "You are signed in as office." in office.post(link, PASSWORDS).content.decode()
    assert not grace().has_usable_password()


@pytest.mark.usefixtures("second_factor_needed")
def test_the_second_factor_is_set_up_before_any_other_page_opens(office: Client, administrator: User) -> None:
    token = secrets.token_urlsafe(32)
    factories.staff(username="grace")
    now = timezone.now()
    SignInLink.objects.create(
        account=grace(), digest=make_digest(token), issued_by=administrator, issued_at=now, expires_at=now
    )
    SignInLink.objects.update(expires_at=now + timedelta(hours=1))
    browser = Client()
    assert browser.post(f"/sign-in/link/{token}/", PASSWORDS).status_code == 302
    assert browser.get("/")["Location"].startswith("/sign-in/enrol/")


def test_only_a_digest_of_the_link_is_stored(office: Client) -> None:
    token = add_grace(office).rstrip("/").rpartition("/")[2]
    assert len(token) == 43  # 256 bits
    assert SignInLink.objects.get().digest == make_digest(token)
    stored = [str(change.fields) for change in Change.objects.all()]
    stored += [str(SessionStore().decode(session.session_data)) for session in Session.objects.all()]
    assert not any(token in text for text in stored)


def test_issue_and_use_are_sign_in_events_and_history(office: Client, administrator: User) -> None:
    link = add_grace(office)
    Client().post(link, PASSWORDS)
    assert events()[1:] == [
        ("link-issued", "grace", "office"),
        ("link-used", "grace", ""),
        ("signed-in", "grace", ""),
    ]
    page = office.get("/admin/sign-in-events/").content.decode()
    assert "Sign-in link issued" in page
    assert "Sign-in link used" in page
    changes = Change.objects.filter(table_name="sign_in_links").order_by("change_id")
    assert [(change.action, change.row_name, change.person_id) for change in changes] == [
        ("insert", "grace", administrator.pk),
        ("delete", "grace", grace().pk),
    ]


@pytest.fixture
def log() -> Iterator[list[str]]:
    """Return the lines that the program logs, as it writes them."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(RedactingJsonFormatter().format(record))  # type: ignore[method-assign]  # to read the log
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)


def test_no_line_of_the_log_and_no_header_has_the_link(office: Client, log: list[str]) -> None:
    link = add_grace(office)
    token = link.rstrip("/").rpartition("/")[2]
    answers = [Client().get(link), Client().get(f"{link}x"), Client().post(link, PASSWORDS), Client().get(link)]
    assert [answer.headers["Referrer-Policy"] for answer in answers[:1]] == ["strict-origin"]
    assert not any(token in line for line in log)
    assert "link-issued" in {json.loads(line).get("event") for line in log}
    assert not any(token in value for answer in answers for value in answer.headers.values())


def test_people_without_the_permission_issue_no_link(office: Client) -> None:
    add_grace(office)
    address = f"{USERS}{grace().pk}/sign-in-link/"
    assert "/login/" in Client().post(address)["Location"]
    viewer = client_for(factories.staff("auth.view_user", username="viewer"))
    assert viewer.get(address).status_code == 403
    assert viewer.post(address).status_code == 403


def test_nobody_issues_a_link_for_an_account_with_more_permissions(office: Client) -> None:
    above = factories.staff("auth.add_group", username="above")
    assert office.post(f"{USERS}{above.pk}/sign-in-link/").status_code == 403
    assert not SignInLink.objects.exists()


class TestMail:
    @pytest.fixture(autouse=True)
    def mail_server(self, settings: LazySettings) -> None:
        settings.MAIL_SERVER = parse_mail_server("smtps://us:secret@mail.example")
        settings.DEFAULT_FROM_EMAIL = "healthtrack@hospital.example"

    def test_the_link_is_mailed_if_a_mail_server_is_configured(
        self, office: Client, mailoutbox: list[EmailMessage]
    ) -> None:
        page = office.post(f"{USERS}add/", GRACE).content.decode()
        assert "The link was mailed to grace@hospital.example." in page
        (message,) = mailoutbox
        assert message.to == ["grace@hospital.example"]
        assert read_link(page) in message.body
        assert "office created an account for you" in message.body
        assert Mail.objects.get().error == ""

    def test_without_an_address_nothing_is_mailed(self, office: Client, mailoutbox: list[EmailMessage]) -> None:
        page = office.post(f"{USERS}add/", {"username": "grace"}).content.decode()
        assert read_link(page)
        assert not mailoutbox

    def test_nothing_that_somebody_enters_becomes_a_header(
        self, office: Client, mailoutbox: list[EmailMessage]
    ) -> None:
        bad = {**GRACE, "email": "grace@hospital.example\nBcc: thief@other.example"}
        assert "Enter a valid email address" in office.post(f"{USERS}add/", bad).content.decode()
        office.post(f"{USERS}add/", {**GRACE, "first_name": "Grace\r\nBcc: thief@other.example"})
        assert [message.recipients() for message in mailoutbox] in ([], [["grace@hospital.example"]])
        assert not any("Bcc" in message.extra_headers for message in mailoutbox)

    def test_a_mail_that_cannot_be_sent_is_shown_and_recorded(
        self, office: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise SMTPServerDisconnected("550 grace@hospital.example")

        monkeypatch.setattr("healthtrack.accounts.mail.send_mail", fail)
        page = office.post(f"{USERS}add/", GRACE).content.decode()
        assert "The link could not be mailed to grace@hospital.example." in page
        assert Client().get(read_link(page)).status_code == 200
        assert Mail.objects.get().error == "SMTPServerDisconnected"


def test_without_a_mail_server_the_page_says_how_to_pass_the_link_on(
    office: Client, mailoutbox: list[EmailMessage]
) -> None:
    page = Page.of(office.post(f"{USERS}add/", GRACE))
    assert "give it to Grace Hopper in a way that nobody else can read" in page.text
    assert not mailoutbox
