"""Headers of every response, and the request id of every error."""

import json
import logging
import re
from collections.abc import Iterator
from io import StringIO

import pytest
from django.conf import LazySettings, settings
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt

from healthtrack.core.logs import RedactingJsonFormatter
from healthtrack.urls import handler500, urlpatterns
from tests.support.page_permissions import REPORT_PERMISSIONS
from tests.support.signing_in import SignIn

pytestmark = pytest.mark.django_db
__all__ = ["handler500"]


def raise_error(_: HttpRequest) -> HttpResponse:
    raise RuntimeError("Ada Byron")


@cache_control(max_age=60)
def cacheable(_: HttpRequest) -> HttpResponse:
    return HttpResponse()


@csrf_exempt
def read_form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.POST)))


urlpatterns = [*urlpatterns, path("broken/", raise_error), path("cacheable/", cacheable), path("form/", read_form)]


@pytest.fixture(autouse=True)
def own_pages(settings: LazySettings) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Return what the log handler of the settings writes."""
    handler = logging.StreamHandler(sink := StringIO())
    handler.setFormatter(RedactingJsonFormatter())
    logging.getLogger("django").addHandler(handler)
    yield sink
    logging.getLogger("django").removeHandler(handler)


PAGES = [
    "/",
    "/reports/",
    "/reports/without-tracker/",
    "/reports/without-tracker/?format=csv",
    "/reports/without-tracker/?format=xlsx",
    "/admin/",
    "/admin/patients/medicalrecord/",
    "/admin/patients/medicalrecord/add/",
    "/admin/patients/medicalrecord/export/",
    "/admin/patients/medicalrecord/import/",
    "/admin/tracker-names/",
    "/nowhere/",
]


@pytest.mark.parametrize("address", PAGES)
def test_no_page_is_cached_by_a_browser_or_proxy(sign_in: SignIn, address: str) -> None:
    permissions = (*REPORT_PERMISSIONS, "trackers.view_trackeralias")
    records = (f"patients.{action}_medicalrecord" for action in ("view", "add", "import", "export"))
    answer = sign_in(*permissions, *records).get(address)
    answer.close()
    assert "no-store" in answer["Cache-Control"]


def test_a_response_that_sets_its_own_caching_is_unchanged() -> None:
    assert Client().get("/cacheable/")["Cache-Control"] == "max-age=60"


def test_every_response_has_the_security_headers() -> None:
    headers = Client().get("/admin/login/").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "publickey" not in headers["Permissions-Policy"]  # passkeys
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "object-src 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    assert "report-uri /policy-report" in policy


def test_redirects_refusals_and_static_files_have_the_security_headers_too(settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 9
    style, refusal = Client().get("/static/admin/css/base.css", secure=True), Client().trace("/", secure=True)
    redirect = Client().get("/")
    assert [answer.status_code for answer in (style, refusal, redirect)] == [200, 405, 301]
    assert style["Strict-Transport-Security"] == refusal["Strict-Transport-Security"] == "max-age=9"
    for answer in (style, refusal, redirect):
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    style.close()


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "CONNECT", "ANYTHING"])
def test_a_method_that_no_page_uses_is_refused(sign_in: SignIn, method: str) -> None:
    assert sign_in().generic(method, "/admin/").status_code == 405


@pytest.mark.parametrize(
    "address", ["/healthz", "/metrics", "/admin/login/", "/static/core/logo.svg", "/static/admin/css/base.css"]
)
def test_every_text_names_its_encoding(address: str) -> None:
    answer = Client().get(address)
    answer.close()
    assert re.search('charset="?utf-8"?$', answer["Content-Type"])


def test_no_other_site_may_read_a_response() -> None:
    for address in ("/healthz", "/admin/login/", "/static/admin/css/base.css"):
        answer = Client(headers={"Origin": "https://evil.example"}).get(address)
        answer.close()
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]


def test_scripts_cannot_read_cookies() -> None:
    cookie = Client().get("/admin/login/").cookies[settings.CSRF_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_each_request_has_its_own_request_id() -> None:
    first, second = (Client().get("/healthz")["X-Request-ID"] for _ in range(2))
    assert re.fullmatch("[0-9a-f]{16}", first)
    assert first != second
    assert Client(headers={"X-Request-ID": "mine"}).get("/healthz")["X-Request-ID"] != "mine"


def test_the_error_page_and_the_log_show_the_same_request_id(log: StringIO) -> None:
    answer = Client(raise_request_exception=False).get("/broken/")
    assert answer.status_code == 500
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert line["request"] == answer["X-Request-ID"]
    assert f"<strong>{line['request']}</strong>" in answer.content.decode()
    assert line["error"] == "builtins.RuntimeError"
    assert "Ada" not in log.getvalue() + answer.content.decode()


def test_a_form_that_is_too_large_is_refused(settings: LazySettings) -> None:
    client = Client(raise_request_exception=False)
    assert client.post("/form/", {"a": "x" * 1024**2}).status_code == 200
    assert client.post("/form/", f"a={'x' * 3 * 1024**2}", "application/x-www-form-urlencoded").status_code == 400


def test_a_form_with_too_many_fields_is_refused() -> None:
    client = Client(raise_request_exception=False)
    assert client.post("/form/", {f"f{number}": "" for number in range(1000)}).content == b"1000"
    assert client.post("/form/", {f"f{number}": "" for number in range(1001)}).status_code == 400
