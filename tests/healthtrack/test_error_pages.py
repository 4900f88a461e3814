"""Error pages look like other pages, say what to do next, and show no details of the error."""

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


def raise_error(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(SECRET)


def raise_suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation(SECRET)


urlpatterns = [*pages, path("error/", raise_error), path("suspicious/", raise_suspicious)]


@pytest.fixture(autouse=True)
def add_failing_pages(settings: LazySettings) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False)


def assert_says(page: Any, status: int, heading: str) -> None:
    text = page.content.decode()
    assert page.status_code == status
    assert f"<h1>{heading}</h1>" in text
    assert 'href="/">Go to Home</a>' in text
    assert "<title>Django" not in text
    assert SECRET not in text


def test_a_page_that_does_not_exist(sign_in: SignIn) -> None:
    page = sign_in("patients.view_medicalrecord").get("/nowhere/")
    assert_says(page, 404, "Page not found")
    assert 'href="/admin/patients/medicalrecord/"' in page.content.decode()


def test_a_page_without_access(sign_in: SignIn) -> None:
    page = sign_in().get("/admin/auth/user/")
    assert_says(page, 403, "You don't have access to this page")
    assert "Sign out" in page.content.decode()


@pytest.mark.django_db
def test_a_form_of_another_site() -> None:
    page = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "ada"})
    assert_says(page, 403, "Nothing was saved")


def test_a_bad_request(visitor: Client) -> None:
    assert_says(visitor.get("/suspicious/"), 400, "Bad request")


def test_a_server_error(visitor: Client) -> None:
    assert_says(visitor.get("/error/"), 500, "Something went wrong")


def test_a_server_error_is_shown_without_the_database(
    sign_in: SignIn, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    person = sign_in()
    person.raise_request_exception = False
    with django_assert_num_queries(2):  # the session and its person, before anything breaks
        page = person.get("/error/")
    assert_says(page, 500, "Something went wrong")
