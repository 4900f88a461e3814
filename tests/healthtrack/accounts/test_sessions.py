"""Session timeout, signing out everywhere, and sessions that end when an account loses a permission."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from healthtrack.accounts.models import Session, SignInEvent
from healthtrack.accounts.sign_in.sessions import SessionStore
from healthtrack.accounts.sign_in_events import Kind
from tests.support import factories
from tests.support.signing_in import PASSWORD, client_for

pytestmark = pytest.mark.django_db

RECORDS = "/admin/patients/medicalrecord/"
LOGIN = "/admin/login/"
OWN, END = "/sign-in/", "/sign-in/end/"
HTMX = {"HX-Request": "true"}


def is_in(client: Client) -> bool:
    return client.get(RECORDS).status_code == 200


def ago(**times: float) -> None:
    """Make all sessions this many seconds older."""
    rows = {name: timezone.now() - timedelta(seconds=seconds) for name, seconds in times.items()}
    Session.objects.update(**rows)


def test_signing_in_changes_the_session_key(keeper: User) -> None:
    client = Client()
    session = client.session  # an attacker may have set it in the browser
    session.save()
    known = session.session_key or ""
    client.cookies[settings.SESSION_COOKIE_NAME] = known
    client.post(LOGIN, {"username": keeper.username, "password": PASSWORD})
    assert client.session.session_key != known
    assert is_in(client)
    assert not Session.objects.filter(pk=known).exists()


def test_a_session_key_has_more_than_128_random_bits(keeper: User) -> None:
    keys = [client_for(keeper).session.session_key or "" for _ in range(3)]
    assert len(set(keys)) == 3
    assert all(re.fullmatch("[a-z0-9]{32}", key) for key in keys)


def test_an_inactive_session_times_out_and_the_sign_in_page_says_why(keeper: User) -> None:
    client = client_for(keeper)
    ago(active_at=settings.SESSION_IDLE_SECONDS - 10)
    assert is_in(client)
    ago(active_at=settings.SESSION_IDLE_SECONDS + 1)
    answer = client.get(f"{RECORDS}?gender=F")
    assert answer["Location"] == f"{LOGIN}?next=%2Fadmin%2Fpatients%2Fmedicalrecord%2F%3Fgender%3DF&ended=idle"
    assert "because you were inactive" in client.get(answer["Location"]).content.decode()
    assert not Session.objects.exists()
    assert not is_in(client)


def test_a_form_sent_after_the_session_timeout_changes_nothing(keeper: User) -> None:
    client = client_for(keeper)
    ago(active_at=settings.SESSION_IDLE_SECONDS + 1)
    assert client.post("/admin/password_change/", {"old_password": PASSWORD})["Location"] == f"{LOGIN}?ended=idle"


def test_requesting_a_page_counts_as_activity(keeper: User) -> None:
    client = client_for(keeper)
    ago(active_at=600)
    assert is_in(client)
    assert Session.objects.get().active_at > timezone.now() - timedelta(seconds=60)


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_automatic_requests_do_not_count_as_activity(keeper: User, headers: dict[str, str]) -> None:
    client = client_for(keeper)
    ago(active_at=600)
    client.get(RECORDS if headers else f"{RECORDS}?unattended=1", headers=headers)
    assert Session.objects.get().active_at < timezone.now() - timedelta(seconds=590)


def test_an_automatic_request_after_the_session_timeout_makes_the_page_reload(keeper: User) -> None:
    client = client_for(keeper)
    ago(active_at=settings.SESSION_IDLE_SECONDS + 1)
    assert client.get(RECORDS, headers=HTMX).headers["HX-Refresh"] == "true"
    assert not is_in(client)


def test_the_page_of_a_finished_run_is_requested_by_the_person_again(sign_in: Any) -> None:
    run = factories.import_run("checked")  # type: ignore[arg-type]  # a plain value will do in a test
    address = f"/admin/imports/importrun/{run.pk}/change/"
    client = sign_in("imports.view_importrun")
    assert client.get(f"{address}?unattended=1")["Location"] == address


def test_activity_is_not_written_for_every_page(keeper: User, django_assert_num_queries: Any) -> None:
    client = client_for(keeper)
    client.get("/sign-in/stay/")
    with django_assert_num_queries(2):  # session, person
        client.post("/sign-in/stay/")


def test_a_session_ends_after_its_maximum_length_even_if_it_is_active(keeper: User) -> None:
    client = client_for(keeper)
    ago(began_at=settings.SESSION_COOKIE_AGE + 1)
    assert client.get(RECORDS)["Location"].endswith("ended=long")
    assert settings.SESSION_COOKIE_AGE == 12 * 60 * 60


def test_saving_a_session_does_not_change_its_start(keeper: User) -> None:
    client = client_for(keeper)
    began = Session.objects.get().began_at
    client.post(RECORDS, {"q": "ada"})
    client.session.cycle_key()
    assert {session.began_at for session in Session.objects.all()} == {began}


def test_answering_the_warning_counts_as_activity(keeper: User) -> None:
    client = client_for(keeper)
    ago(active_at=800)
    assert client.post("/sign-in/stay/").status_code == 204
    assert Session.objects.get().active_at > timezone.now() - timedelta(seconds=60)
    assert client.get("/sign-in/stay/").status_code == 405


@pytest.mark.parametrize("late", [0, 10_000])
def test_an_unattended_page_signs_out(keeper: User, late: int) -> None:
    client = client_for(keeper)
    ago(active_at=late)
    answer = client.post("/sign-in/idle/", {"next": RECORDS})
    assert answer["Location"] == f"{LOGIN}?next=%2Fadmin%2Fpatients%2Fmedicalrecord%2F&ended=idle"
    assert not Session.objects.exists()


def test_the_timeout_warning_is_on_every_page_of_signed_in_people_and_on_no_other(keeper: User) -> None:
    page = client_for(keeper).get(RECORDS).content.decode()
    assert f'data-seconds="{settings.SESSION_IDLE_SECONDS}"' in page
    assert 'id="idle"' not in Client().get(LOGIN).content.decode()


def everywhere(person: User) -> list[Client]:
    return [client_for(person), client_for(person)]


def test_a_person_signs_out_everywhere(keeper: User) -> None:
    first, second = everywhere(keeper)
    other = client_for(factories.staff("patients.view_medicalrecord", username="other"))
    assert first.get("/sign-in/everywhere/").status_code == 405
    answer = first.post("/sign-in/everywhere/", follow=True)
    assert "You are signed out on all devices." in answer.content.decode()
    assert [is_in(client) for client in (first, second, other)] == [False, False, True]


def end_buttons(client: Client) -> list[str]:
    """Return what the buttons that end a session send."""
    return re.findall(r'name="session" value="([0-9a-f]{64})"', client.get(OWN).content.decode())


def end(client: Client, session: str) -> str:
    return client.post(END, {"session": session}, follow=True).content.decode()


def test_a_person_ends_one_session_and_no_other(keeper: User) -> None:
    here, lost, third = client_for(keeper), client_for(keeper), client_for(keeper)
    (session,) = [row.public_id for row in Session.objects.all() if row.pk == lost.session.session_key]
    assert session in end_buttons(here)
    assert len(end_buttons(here)) == 2
    assert "The session has ended." in end(here, session)
    assert [is_in(client) for client in (here, lost, third)] == [True, False, True]
    assert "This session had ended before." in end(here, session)
    event = SignInEvent.objects.latest("event_id")
    assert (event.kind, event.person) == (Kind.SIGNED_OUT, keeper)


def test_the_page_shows_no_key_of_a_session(keeper: User) -> None:
    here, other = everywhere(keeper)
    page = here.get(OWN).content.decode()
    assert (other.session.session_key or "missing") not in page
    assert (here.session.session_key or "missing") not in page


def test_nobody_ends_sessions_of_others_or_by_their_key_or_the_own_one(keeper: User) -> None:
    here, other = everywhere(keeper)
    stranger = client_for(factories.staff("patients.view_medicalrecord", username="stranger"))
    for client, session in (
        (stranger, end_buttons(here)[0]),
        (here, other.session.session_key or ""),
        (here, Session.objects.get(pk=here.session.session_key).public_id),
        (here, ""),
        (here, "\u00e9"),
    ):
        assert "This session had ended before." in end(client, session)
    assert [is_in(client) for client in (here, other, stranger)] == [True, True, True]
    assert here.get(END).status_code == 405


FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"


@pytest.mark.parametrize(
    ("user_agent", "shown"),
    [
        (FIREFOX, "Firefox on Windows"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/143.0.0.0 Safari/537.36 Edg/143.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/143.0.0.0 Safari/537.36", "Chrome on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 Version/26.0 Safari/604.1",
            "Safari on iOS",
        ),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/143.0.0.0 Mobile", "Chrome on Android"),
        ("<b>curl</b>", "Unknown"),
        ("", "Unknown"),
    ],
)
def test_account_security_names_the_browser_of_each_session(keeper: User, user_agent: str, shown: str) -> None:
    client = Client(headers={"User-Agent": user_agent})
    client.post(LOGIN, {"username": keeper.username, "password": PASSWORD})
    page = client.get(OWN).content.decode()
    assert f'<th scope="row">{shown}</th>' in page
    assert "curl" not in page


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def deactivate(person: User) -> None:
    person.is_active = False
    person.save()


LOSSES: dict[str, Callable[[User], object]] = {
    "the account": deactivate,
    "the account, in SQL": lambda person: execute("UPDATE auth_user SET is_active = false"),
    "the staff": lambda person: User.objects.update(is_staff=False),
    "being an administrator": lambda person: User.objects.update(is_superuser=False),
    "a role": lambda person: person.groups.clear(),
    "a permission": lambda person: person.user_permissions.clear(),
    "a role that is deleted": lambda person: Group.objects.all().delete(),
    "the password": lambda person: User.objects.update(password="!"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_losing_a_permission_role_or_password_ends_all_sessions(keeper: User, loss: str) -> None:
    keeper.groups.add(Group.objects.create(name="Record keepers"))
    User.objects.update(is_superuser=True)
    keeper.refresh_from_db()
    clients = everywhere(keeper)
    LOSSES[loss](keeper)
    assert not Session.objects.exists()
    User.objects.update(is_active=True, is_staff=True, is_superuser=True, password=keeper.password)
    assert [is_in(client) for client in clients] == [False, False]


GAINS: dict[str, Callable[[User], object]] = {
    "a role": lambda person: person.groups.add(Group.objects.create(name="Record keepers")),
    "a name": lambda person: User.objects.update(first_name="Ada"),
    "being an administrator": lambda person: User.objects.update(is_superuser=True),
}


@pytest.mark.parametrize("gain", GAINS)
def test_gaining_a_role_or_name_does_not_end_the_session(keeper: User, gain: str) -> None:
    client = client_for(keeper)
    GAINS[gain](keeper)
    assert is_in(client)


def test_changing_the_password_ends_all_other_sessions(keeper: User) -> None:
    here, elsewhere = everywhere(keeper)
    new = {"new_password1": "seven green umbrellas dancing", "new_password2": "seven green umbrellas dancing"}
    assert here.post("/admin/password_change/", {"old_password": PASSWORD, **new}).status_code == 302
    assert [is_in(here), is_in(elsewhere)] == [True, False]


def test_the_sign_in_page_says_that_a_session_was_ended_elsewhere(keeper: User) -> None:
    client = client_for(keeper)
    Session.objects.all().delete()
    answer = client.get(RECORDS)
    assert answer["Location"].endswith("ended=over")
    assert "Your session was ended" in client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize("address", ["/admin/logout/", "/sign-in/everywhere/", "/sign-in/idle/"])
def test_after_signing_out_the_browser_forgets_the_pages(keeper: User, address: str) -> None:
    client = client_for(keeper)
    assert "Clear-Site-Data" not in client.get(RECORDS)
    assert client.post(address)["Clear-Site-Data"] == '"cache"'


def test_after_the_session_timeout_and_an_end_elsewhere_too(keeper: User) -> None:
    first, second = everywhere(keeper)
    ago(active_at=settings.SESSION_IDLE_SECONDS + 1)
    assert first.get(RECORDS)["Clear-Site-Data"] == '"cache"'
    Session.objects.all().delete()
    assert second.get(RECORDS)["Clear-Site-Data"] == '"cache"'


def test_an_unknown_reason_in_the_address_is_not_shown() -> None:
    assert 'role="status"' not in Client().get(f"{LOGIN}?ended=x-made-up").content.decode()


def test_account_security_lists_only_the_persons_own_open_sessions(keeper: User) -> None:
    other = factories.staff(username="other")
    client_for(other)
    here, _ = everywhere(keeper)
    page = here.get("/sign-in/")
    assert len(page.context["sessions"]) == 2
    assert page.content.decode().count("This browser") == 1
    ago(active_at=settings.SESSION_IDLE_SECONDS + 1)
    assert not client_for(other).get("/sign-in/").context["sessions"][1:]


def test_account_security_needs_the_same_queries_for_any_number_of_sessions(
    keeper: User, django_assert_max_num_queries: Any
) -> None:
    client, *_ = [client_for(keeper) for _ in range(20)]
    with django_assert_max_num_queries(8):
        client.get("/sign-in/")


def test_expired_sessions_are_deleted_at_a_sign_in(keeper: User) -> None:
    client_for(keeper)
    ago(expire_date=1)
    client_for(keeper)
    assert Session.objects.count() == 1


def test_sessions_are_stored_in_the_database(settings: LazySettings) -> None:
    assert settings.SESSION_ENGINE == "healthtrack.accounts.sign_in.sessions"


def test_a_lost_database_connection_is_no_ended_session(monkeypatch: pytest.MonkeyPatch) -> None:
    session = SessionStore()
    session.create()
    with monkeypatch.context() as away:
        away.setattr(Session, "save", gone_away)
        with pytest.raises(OperationalError):
            session.save()
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        session.save()


def gone_away(*_: object, **__: object) -> None:
    raise OperationalError("server closed the connection unexpectedly")
