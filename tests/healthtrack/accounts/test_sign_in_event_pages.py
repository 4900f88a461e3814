"""The page of sign-in events: who may see it, its filters and its pages."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthtrack.accounts.models import SignInEvent
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.core.lists.log_pages import PAGE_SIZE
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import AsRole, SignIn

PAGE = "/admin/sign-in-events/"
VIEW = "signin.view_signinevent"
HERE, ELSEWHERE = "203.0.113.7", "2001:db8::7"

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(as_role: AsRole) -> Client:
    return as_role("Auditor")


def make_event(name: str = "nora", kind: Kind = Kind.SIGNED_IN, days_ago: float = 0, **values: object) -> SignInEvent:
    person, _ = User.objects.get_or_create(username=name)
    happened_at = timezone.now() - timedelta(days=days_ago)
    return SignInEvent.objects.create(
        **{"person": person, "kind": kind, "happened_at": happened_at, "client_address": HERE, "request": "r", **values}
    )


def rows(client: Client, **filters: object) -> list[list[str]]:
    """Return the cells of the page's rows after the time, without the auditor's own events."""
    page = Page.get(client, f"{PAGE}?{urlencode(filters)}")
    return [row[1:] for row in page.rows() if row[1] != "staff"] if page.all("table") else []


def accounts(client: Client, **filters: object) -> list[str]:
    return [account for account, *_ in rows(client, **filters)]


def test_it_needs_its_permission(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, PAGE, VIEW, others=["audit.view_access", "audit.view_change", "auth.view_user"])


def test_it_says_who_did_what_to_whom_and_from_where_newest_first(auditor: Client) -> None:
    admin = User.objects.create(username="ada")
    make_event("nora", Kind.WRONG_PASSWORD, days_ago=2)
    make_event("nora", Kind.RESET, days_ago=1, actor=admin)
    make_event("vera", Kind.PAGE_REFUSED, page="admin:auth_user_add", client_address=ELSEWHERE)
    make_event("olga", Kind.RESET, client_address=None, request="command reset_second_factor run by root")
    assert rows(auditor) == [
        ["olga", "Two-factor authentication reset", "the command reset_second_factor run by root", ""],
        ["vera", "Page refused: admin:auth_user_add", "", ELSEWHERE],
        ["nora", "Two-factor authentication reset", "ada", HERE],
        ["nora", "Wrong password", "", HERE],
    ]


def test_an_event_without_an_account_says_so(auditor: Client) -> None:
    make_event(person=None, kind=Kind.WRONG_PASSWORD, name_digest="0123456789abcdef" * 4)
    make_event(person=None, kind=Kind.PAGE_REFUSED)
    assert accounts(auditor) == ["nobody signed in", "unknown name 01234567"]


def test_people_are_shown_by_the_names_of_the_time(auditor: Client) -> None:
    make_event("nora")
    User.objects.filter(username="nora").update(username="innocent")
    assert accounts(auditor) == ["nora"]


def test_it_can_be_filtered_by_person_kind_and_address(auditor: Client) -> None:
    nora = make_event("nora").person
    make_event("vera", Kind.WRONG_CODE)
    make_event("olga", client_address=ELSEWHERE)
    assert nora
    assert accounts(auditor, person=nora.pk) == ["nora"]
    assert accounts(auditor, kind="wrong-code") == ["vera"]
    assert accounts(auditor, address=ELSEWHERE) == ["olga"]
    assert accounts(auditor, address="2001:0db8:0::0007") == ["olga"]
    assert accounts(auditor, kind="signed-in", address=HERE) == ["nora"]
    assert accounts(auditor, address="192.0.2.1") == []


def test_it_can_be_filtered_by_period(auditor: Client) -> None:
    for days in range(4):
        make_event(f"n{days}", days_ago=days)
    before = [(timezone.localdate() - timedelta(days=days)).isoformat() for days in range(4)]
    assert accounts(auditor, first_day=before[2], last_day=before[1]) == ["n1", "n2"]
    assert accounts(auditor, first_day=before[1]) == ["n0", "n1"]
    assert accounts(auditor, last_day=before[2]) == ["n2", "n3"]


def test_the_next_page_continues_where_the_one_before_ended(auditor: Client) -> None:
    moment = timezone.now() - timedelta(days=1)
    for number in range(PAGE_SIZE + 2):
        make_event(f"n{number}", happened_at=moment)
    first = Page.get(auditor, f"{PAGE}?address={HERE}")
    assert [row[1] for row in first.rows()] == [f"n{number}" for number in range(PAGE_SIZE + 1, 1, -1)]
    (older,) = first.addresses(".pager a")
    assert [row[1] for row in Page.get(auditor, f"{PAGE}{older}").rows()] == ["n1", "n0"]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("?person=x", "Select a valid choice."),
        ("?kind=x", "Select a valid choice."),
        ("?address=300.1.1.1", "Enter a valid IPv4 or IPv6 address."),
        ("?first_day=never", "Enter a valid date."),
        ("?last_day=9999-12-31", "Enter a day of the years 1900 to 2999."),
        ("?last_day=%00", "Enter a valid date."),
    ],
)
def test_an_invalid_filter_is_refused_with_a_reason(auditor: Client, query: str, error: str) -> None:
    make_event()
    page = Page.get(auditor, f"{PAGE}{query}")
    assert error in page.text
    assert "No events match." in page.text


@pytest.mark.parametrize("after", ["%00", "x", "9" * 40, "0"])
def test_an_invalid_place_to_continue_shows_the_newest_page(auditor: Client, after: str) -> None:
    make_event()
    assert accounts(auditor, after=after) == ["nora"]


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    auditor: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    last = make_event()
    for number in range(PAGE_SIZE + 1):
        make_event(f"n{number % 7}", actor=last.person, days_ago=1)
    with django_assert_max_num_queries(8):
        auditor.get(f"{PAGE}?after={last.pk}")


def test_a_users_page_links_to_the_sign_in_events_of_that_person(sign_in: SignIn) -> None:
    client = sign_in("auth.view_user", VIEW)
    person = User.objects.get()
    page = Page.get(client, f"/admin/auth/user/{person.pk}/change/")
    assert f"{PAGE}?person={person.pk}" in page.addresses()
