"""Whatever page shows a patient, the access log says so."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoDbBlocker

from healthtrack.audit.registry import page_names
from patients.models import MedicalRecord
from tests.support.accesses import get_numbers, request_and_log
from tests.support.databases import rolled_back
from tests.support.every_address import addresses, client_of, each_address
from tests.support.page_addresses import make_rows

NUMBER, NAME = "A-70417-Q", "Wilhelmina Trelawney"  # which no page contains unless it shows this patient


@pytest.fixture(scope="module")
def reader(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[User]:
    """Create rows of every model, with that patient, for all tests; return a person with all permissions."""
    with django_db_blocker.unblock(), rolled_back():
        person = make_rows(NUMBER, NAME)
        MedicalRecord.objects.get(pk=NUMBER).tracker_links.all().delete()
        yield person


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
@each_address
def test_every_page_that_shows_a_patient_is_recorded(name: str, method: str, reader: User) -> None:
    where, *_ = addresses(name)
    said, logged = request_and_log(client_of(reader), method, where)
    pages = [access for access in logged if access.file_patients is None]
    if NUMBER in said or NAME in said:
        assert any(NUMBER in get_numbers(access) or (access in pages and access.run_id) for access in logged)
    assert len(pages) <= 1
    assert all(access.page in page_names() for access in logged)
