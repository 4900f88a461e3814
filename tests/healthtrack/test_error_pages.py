"""Errors stand in the frame of every page, each with a sentence and a way out, and tell nothing of the fault."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import DjangoAssertNumQueries

from healthtrack.urls import handler500
from healthtrack.urls import urlpatterns as pages
from tests.support.signing_in import SignIn

__all__ = ["handler500"]

SECRET = "Ada Byron, born 1815"


def break_down(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(SECRET)


def be_suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation(SECRET)


urlpatterns = [*pages, path("breaks-down/", break_down), path("suspicious/", be_suspicious)]


@pytest.fixture(autouse=True)
def with_pages_that_break_down(settings: LazySettings) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False)


def assert_says(page: Any, status: int, heading: str) -> None:
    words = page.content.decode()
    assert page.status_code == status
    assert f"<h1>{heading}</h1>" in words
    assert 'href="/">Go to the front page</a>' in words
    assert "<title>Django" not in words
    assert SECRET not in words


def test_a_page_that_is_not_there(sign_in: SignIn) -> None:
    page = sign_in("patients.view_medicalrecord").get("/nowhere/")
    assert_says(page, 404, "There is no such page")
    assert 'href="/admin/patients/medicalrecord/"' in page.content.decode()


def test_a_page_that_one_may_not_open(sign_in: SignIn) -> None:
    page = sign_in().get("/admin/auth/user/")
    assert_says(page, 403, "You may not open this page")
    assert "Sign out" in page.content.decode()


@pytest.mark.django_db
def test_a_form_of_another_site() -> None:
    page = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "ada"})
    assert_says(page, 403, "Nothing was sent or changed")


def test_a_request_that_is_not_understood(visitor: Client) -> None:
    assert_says(visitor.get("/suspicious/"), 400, "This request was not understood")


def test_a_fault_of_ours(visitor: Client) -> None:
    assert_says(visitor.get("/breaks-down/"), 500, "HealthTrack could not answer")


def test_a_fault_of_ours_is_told_without_the_database(
    sign_in: SignIn, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    person = sign_in()
    person.raise_request_exception = False
    with django_assert_num_queries(2):  # the session and its person, before anything breaks
        page = person.get("/breaks-down/")
    assert_says(page, 500, "HealthTrack could not answer")
