"""Everything that happens to a sign-in is recorded in the database and in the log, without the name that was typed."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from healthtrack.accounts import event_recorder
from healthtrack.accounts.limits import PASSWORD_CHECKS, Limit
from healthtrack.accounts.models import RecoveryCodes, Session, SignInEvent
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.core.logs import RedactingJsonFormatter
from tests.support import factories
from tests.support.password_guessing import HERE, LOGIN, attempt, guess
from tests.support.signing_in import PASSWORD, client_for, code, enrol_app

CODE, ENROL = "/sign-in/code/", "/sign-in/enrol/"
OWN_PASSWORD = "/admin/password_change/"
NEW = "seven green umbrellas dancing"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def locks(settings: LazySettings) -> None:
    settings.AXES_ENABLED = True


@pytest.fixture
def administrator(keeper: User) -> User:
    permissions = ("auth.view_user", "auth.change_user", "patients.view_medicalrecord")  # the last as the keeper
    return factories.staff(*permissions, username="administrator")


@pytest.fixture
def log() -> Iterator[StringIO]:
    handler = logging.StreamHandler(sink := StringIO())
    handler.setFormatter(RedactingJsonFormatter())
    logger = logging.getLogger(event_recorder.__name__)
    logger.addHandler(handler)
    yield sink
    logger.removeHandler(handler)


def kinds(person: User | None = None) -> list[str]:
    """Return the kinds of the person's events, the oldest first."""
    events = SignInEvent.objects.filter(person=person) if person else SignInEvent.objects.all()
    return list(events.order_by("event_id").values_list("kind", flat=True))


def visitor() -> Client:
    return Client(REMOTE_ADDR=HERE)


def sign_in(client: Client, password: str = PASSWORD, username: str = "keeper") -> Any:
    return client.post(LOGIN, {"username": username, "password": password})


class TestSigningIn:
    def test_a_sign_in_has_account_address_time_and_request_id(self, keeper: User) -> None:
        answer = sign_in(visitor())
        event = SignInEvent.objects.get()
        assert (event.kind, event.person, event.client_address) == ("signed-in", keeper, HERE)
        assert event.request == answer["X-Request-ID"]
        assert abs(event.happened_at - timezone.now()) < timedelta(minutes=5)
        assert (event.name_digest, event.actor, event.page) == ("", None, "")

    @pytest.mark.usefixtures("second_factor_needed")
    def test_with_a_second_factor_it_is_complete_only_after_the_code(self, keeper: User) -> None:
        device = enrol_app(keeper)
        client = visitor()
        sign_in(client)
        assert kinds(keeper) == ["password-accepted"]
        client.post(CODE, {"code": "not a code"})
        RecoveryCodes.renew(keeper)
        client.post(CODE, {"code": code(device.key)})
        assert kinds(keeper) == ["password-accepted", "wrong-code", "signed-in"]

    @pytest.mark.usefixtures("second_factor_needed")
    def test_a_recovery_code_is_recorded_as_one(self, keeper: User) -> None:
        enrol_app(keeper)
        (recovery_code, *_) = RecoveryCodes.renew(keeper)
        client = visitor()
        sign_in(client)
        client.post(CODE, {"code": recovery_code})
        assert kinds(keeper) == ["password-accepted", "recovery-code-used", "signed-in"]

    @pytest.mark.usefixtures("second_factor_needed")
    def test_setting_up_an_app_is_recorded_and_completes_the_first_sign_in(self, keeper: User) -> None:
        client = visitor()
        sign_in(client)
        client.get(ENROL)
        client.post(ENROL, {"code": code(client.session["enrolling"])})
        assert kinds(keeper) == ["password-accepted", "enrolled", "signed-in"]

    @pytest.mark.usefixtures("second_factor_needed")
    def test_a_code_that_has_to_wait_is_recorded_as_locked_out(self, keeper: User) -> None:
        enrol_app(keeper)
        client = visitor()
        sign_in(client)
        for _ in range(2):
            client.post(CODE, {"code": "000000"})
        assert kinds(keeper) == ["password-accepted", "wrong-code", "locked-out"]

    def test_an_account_that_may_not_use_the_site_is_recorded_as_refused(self, keeper: User) -> None:
        User.objects.update(is_staff=False)
        assert sign_in(visitor()).status_code == 200
        event = SignInEvent.objects.get()
        assert (event.kind, event.person, event.page) == ("page-refused", keeper, "admin:login")


class TestFailures:
    def test_a_wrong_password_names_the_account(self, keeper: User) -> None:
        sign_in(visitor(), "guess", username=" \uff4beeper")
        event = SignInEvent.objects.get()
        assert (event.kind, event.person, event.name_digest) == ("wrong-password", keeper, "")

    def test_a_name_that_is_no_accounts_is_stored_as_a_digest_with_a_key(self, settings: LazySettings) -> None:
        for typed in ("correct horse", " correct horse ", "another"):
            sign_in(visitor(), username=typed)
        settings.SECRET_KEY = "another key"
        sign_in(visitor(), username="correct horse")
        events = SignInEvent.objects.order_by("event_id")
        first, same, other, other_key = [event.name_digest for event in events]
        assert len(first) == 64
        assert first == same
        assert len({first, other, other_key}) == 3
        assert "horse" not in str(list(events.values()))
        assert {event.person for event in events} == {None}

    def test_the_attempts_that_a_lock_out_refuses_are_recorded_as_such(self, keeper: User) -> None:
        guess(6)
        assert kinds(keeper) == [*["wrong-password"] * 5, "locked-out", "locked-out"]

    def test_a_wrong_password_in_a_session_is_recorded(self, keeper: User) -> None:
        client = client_for(keeper)
        form = {"old_password": "guess", "new_password1": NEW, "new_password2": NEW}
        for _ in range(PASSWORD_CHECKS.maximum + 1):
            client.post(OWN_PASSWORD, form)
        assert kinds(keeper)[1:] == [*["wrong-password"] * PASSWORD_CHECKS.maximum, "locked-out"]

    def test_strangers_cannot_fill_the_disk_with_refused_attempts(
        self, keeper: User, monkeypatch: pytest.MonkeyPatch, log: StringIO
    ) -> None:
        monkeypatch.setattr(event_recorder, "RECORDED_REFUSALS", Limit("recorded refusals from", 3, 900))
        guess(5)
        for _ in range(9):
            attempt("guess")
        assert kinds(keeper).count("locked-out") == 3
        assert log.getvalue().count('"locked-out"') == 10
        attempt("guess", "198.51.100.9")
        assert SignInEvent.objects.filter(client_address="198.51.100.9").exists()


class TestSigningOut:
    def test_signing_out_is_recorded(self, keeper: User) -> None:
        client_for(keeper).post("/admin/logout/")
        assert kinds(keeper) == ["signed-in", "signed-out"]

    def test_signing_out_everywhere_is_recorded_once(self, keeper: User) -> None:
        client_for(keeper).post("/sign-in/everywhere/")
        assert kinds(keeper) == ["signed-in", "signed-out-everywhere"]

    def test_a_session_timeout_is_recorded_as_one(self, keeper: User) -> None:
        client = client_for(keeper)
        Session.objects.update(active_at=timezone.now() - timedelta(hours=1))
        client.get("/")
        assert kinds(keeper) == ["signed-in", "timed-out"]

    def test_a_page_that_signs_out_by_itself_is_recorded_as_a_timeout(self, keeper: User) -> None:
        client_for(keeper).post("/sign-in/idle/")
        assert kinds(keeper) == ["signed-in", "timed-out"]

    def test_without_a_session_there_is_nothing_to_record(self) -> None:
        Client().post("/admin/logout/")
        assert kinds() == []


class TestChangesByAnAdministrator:
    def address_of(self, person: User, page: str) -> str:
        return f"/admin/auth/user/{person.pk}/{page}/"

    @pytest.mark.parametrize(
        ("page", "form", "kind"),
        [
            ("password", {"password1": NEW, "password2": NEW, "usable_password": "true"}, "password-changed"),
            ("reset-factor", {}, "reset"),
            ("end-sessions", {}, "signed-out-everywhere"),
        ],
    )
    def test_it_names_the_account_and_the_administrator(
        self, administrator: User, keeper: User, page: str, form: dict[str, str], kind: str
    ) -> None:
        answer = client_for(administrator).post(self.address_of(keeper, page), form, REMOTE_ADDR=HERE)
        assert answer.status_code == 302
        event = SignInEvent.objects.get(person=keeper)
        assert (event.kind, event.actor, event.client_address) == (kind, administrator, HERE)
        assert event.request == answer["X-Request-ID"]

    def test_a_change_that_fails_leaves_no_event(
        self, administrator: User, keeper: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = client_for(administrator)
        monkeypatch.setattr(User, "save", lambda *_, **__: 1 / 0)
        form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
        with pytest.raises(ZeroDivisionError):
            client.post(self.address_of(keeper, "password"), form)
        assert kinds(keeper) == []

    def test_a_change_that_cannot_be_recorded_is_not_made(
        self, administrator: User, keeper: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        enrol_app(keeper)
        client = client_for(administrator)
        monkeypatch.setattr(SignInEvent, "save", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            client.post(self.address_of(keeper, "reset-factor"))
        assert keeper.totpdevice_set.exists()


def test_a_changed_password_is_recorded(keeper: User) -> None:
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert client_for(keeper).post(OWN_PASSWORD, form).status_code == 302
    assert kinds(keeper) == ["signed-in", "password-changed"]


@pytest.mark.parametrize(
    ("command", "kind"), [("reset_second_factor", "reset"), ("changepassword", "password-changed")]
)
def test_a_change_by_a_command_names_the_command_and_who_ran_it(
    keeper: User, monkeypatch: pytest.MonkeyPatch, log: StringIO, command: str, kind: str
) -> None:
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: NEW)
    call_command(command, "keeper")
    event = SignInEvent.objects.get(person=keeper)
    assert (event.kind, event.actor, event.client_address) == (kind, None, None)
    assert event.command.startswith(f"command {command} run by ")
    assert json.loads(log.getvalue())["command"] == event.command


def test_a_command_that_changes_no_password_leaves_no_event(keeper: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: "short")
    with pytest.raises(CommandError):
        call_command("changepassword", "keeper")
    assert kinds(keeper) == []


def test_emergency_access_is_recorded() -> None:
    nurse = factories.staff("roles.use_emergencyaccess")
    client = client_for(nurse)
    client.post("/emergency-access/end/")
    client.post("/emergency-access/", {"reason": "Somebody fainted in the hall"})
    client.post("/emergency-access/end/")
    assert kinds(nurse) == ["signed-in", "emergency-began", "emergency-ended"]


class TestRefusedPages:
    def test_a_page_without_permission_is_recorded_with_its_name_and_without_its_query(
        self, keeper: User, log: StringIO
    ) -> None:
        client = client_for(keeper)
        log.truncate(0)
        log.seek(0)
        answer = client.get("/admin/auth/user/add/?username=Byron", REMOTE_ADDR=HERE)
        assert answer.status_code == 403
        event = SignInEvent.objects.get(kind="page-refused")
        assert (event.person, event.page, event.client_address) == (keeper, "admin:auth_user_add", HERE)
        (line,) = [json.loads(text) for text in log.getvalue().splitlines()]
        assert (line["event"], line["page"], line["account"]) == ("page-refused", "admin:auth_user_add", keeper.pk)
        assert (line["address"], line["request"], line["level"]) == (HERE, answer["X-Request-ID"], "WARNING")
        assert "Byron" not in log.getvalue()

    def test_a_form_of_another_site_is_recorded(self) -> None:
        answer = Client(enforce_csrf_checks=True, REMOTE_ADDR=HERE).post(LOGIN, {"username": "Byron"})
        assert answer.status_code == 403
        event = SignInEvent.objects.get()
        assert (event.kind, event.person, event.page) == ("page-refused", None, "admin:login")

    def test_a_page_that_opens_is_not_recorded(self, keeper: User) -> None:
        client_for(keeper).get("/admin/patients/medicalrecord/")
        assert kinds(keeper) == ["signed-in"]


class TestTheLog:
    def test_each_event_has_a_line_with_account_address_and_request_id(self, keeper: User, log: StringIO) -> None:
        answers = [sign_in(visitor(), "guess"), sign_in(visitor())]
        lines = [json.loads(text) for text in log.getvalue().splitlines()]
        assert [line["event"] for line in lines] == ["wrong-password", "signed-in"]
        assert [line["level"] for line in lines] == ["WARNING", "INFO"]
        assert [line["request"] for line in lines] == [answer["X-Request-ID"] for answer in answers]
        assert {(line["account"], line["address"]) for line in lines} == {(keeper.pk, HERE)}

    def test_a_change_by_somebody_else_names_both_accounts(
        self, administrator: User, keeper: User, log: StringIO
    ) -> None:
        client_for(administrator).post(f"/admin/auth/user/{keeper.pk}/reset-factor/")
        *_, line = [json.loads(text) for text in log.getvalue().splitlines()]
        assert (line["event"], line["account"], line["actor"]) == ("reset", keeper.pk, administrator.pk)

    def test_it_never_has_a_typed_name(self, keeper: User, log: StringIO) -> None:
        for username in ("correct horse", "keeper"):
            guess(6, username=username)
        assert log.getvalue().count("\n") == 14
        assert "horse" not in log.getvalue()
        assert "keeper" not in log.getvalue()


def test_the_documentation_says_when_each_kind_of_event_is_recorded() -> None:
    page = (django_settings.BASE_DIR / "docs/operations.md").read_text()
    described = re.findall(r"`([a-z-]+)`", page.partition("### Sign-in events")[2].partition("## ")[0])
    assert set(Kind.values) <= {*described}


def test_if_an_event_cannot_be_written_nobody_gets_in(keeper: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SignInEvent, "save", lambda *_, **__: 1 / 0)
    client = Client(raise_request_exception=False)
    assert sign_in(client).status_code == 500
    monkeypatch.undo()
    assert client.get("/").status_code == 302
