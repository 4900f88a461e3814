"""No page waits for the database for ever, and its error page says what it waited for."""

from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from healthtrack import errors
from healthtrack.core.database import timeouts
from healthtrack.urls import handler500
from healthtrack.urls import urlpatterns as pages
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.databases import database_of_the_tests
from tests.support.signing_in import SignIn

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["handler500"]


def sleep(_: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")
    return HttpResponse()


def wait(_: HttpRequest) -> HttpResponse:
    MedicalRecord.objects.update(name="Ada King")
    return HttpResponse()


def fail(_: HttpRequest) -> HttpResponse:
    raise OperationalError("connection to server at 10.0.0.5 failed")


def write_on_a_replica(_: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    MedicalRecord.objects.update(name="Ada King")
    return HttpResponse()


urlpatterns = [
    *pages,
    path("write/", write_on_a_replica),
    path("sleep/", sleep),
    path("wait/", wait),
    path("fail/", fail),
]


@pytest.fixture(autouse=True)
def own_pages(settings: LazySettings) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Open connections like the web server, but with short timeouts."""
    monkeypatch.setitem(timeouts.PAGE_TIMEOUTS, "lock_timeout", "50ms")
    monkeypatch.setitem(timeouts.PAGE_TIMEOUTS, "statement_timeout", "200ms")
    timeouts.set_page_timeouts()
    connection.close()
    yield
    connection_created.disconnect(dispatch_uid=timeouts.__name__)
    connection.close()


def read_error(address: str) -> str:
    answer = Client(raise_request_exception=False).get(address)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "60"
    assert answer["X-Request-ID"] in answer.content.decode()
    return answer.content.decode()


def test_a_statement_that_takes_too_long_is_cancelled(short_timeouts: None) -> None:
    assert errors.STATEMENT_TIMEOUT in read_error("/sleep/")


def test_nobody_waits_long_for_the_locks_of_others(short_timeouts: None) -> None:
    factories.medical_record(name="Ada Byron")
    with database_of_the_tests().session() as other:
        other.execute("SELECT FROM medical_records FOR UPDATE")
        assert errors.LOCK_TIMEOUT in read_error("/wait/")
    assert MedicalRecord.objects.get().name == "Ada Byron"


def test_a_page_of_the_admin_shows_a_message_instead(short_timeouts: None, sign_in: SignIn) -> None:
    record = factories.medical_record()
    keeper = sign_in("patients.view_medicalrecord", "patients.delete_medicalrecord")
    with database_of_the_tests().session() as other:
        other.execute("SELECT FROM medical_records FOR UPDATE")
        address = f"/admin/patients/medicalrecord/{record.pk}/delete/"
        answer = keeper.post(address, {"post": "yes"})
    assert answer.status_code == 302
    assert "somebody else changed the same data" in keeper.get(answer["Location"]).content.decode()
    assert MedicalRecord.objects.count() == 1


def test_the_error_page_does_not_show_the_address_of_the_database() -> None:
    page = read_error("/fail/")
    assert errors.NO_DATABASE in page
    assert "10.0.0.5" not in page


def test_only_who_sent_a_form_is_advised_to_go_back_later() -> None:
    answer = Client(raise_request_exception=False).post("/fail/")
    assert errors.NO_DATABASE + errors.GO_BACK in answer.content.decode()
    assert errors.GO_BACK not in read_error("/fail/")


def test_a_server_that_is_no_longer_the_primary_is_left() -> None:
    factories.medical_record(name="Ada Byron")
    assert errors.NO_DATABASE in read_error("/write/")
    with connection.cursor() as cursor:
        cursor.execute("SHOW default_transaction_read_only")
        assert cursor.fetchone() == ("off",)


def test_commands_have_no_timeout() -> None:
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
        assert cursor.fetchone() == ("0", "0")


def test_connections_of_the_web_server_have_timeouts(short_timeouts: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('idle_in_transaction_session_timeout')")
        assert cursor.fetchone() == ("1min",)
