"""No patient is shown without a row in the access log."""

import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit import access_recorder
from healthtrack.audit.models import Access
from tests.support import factories
from tests.support.accesses import content_of, get_numbers, request_and_log
from tests.support.signing_in import AsRole, SignIn

NUMBER, NAME = "A-70417-Q", "Wilhelmina Trelawney"
RECORDS = "/admin/patients/medicalrecord/"
WITHOUT = "/reports/without-tracker/"
SEE = "patients.view_medicalrecord"

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(as_role: AsRole) -> Client:
    return as_role("Analyst")


def test_the_pages_with_patients_do_show_the_test_patient(reader: Client) -> None:
    record = factories.medical_record(NUMBER, name=NAME)
    for where in (RECORDS, f"{RECORDS}{record.pk}/change/", WITHOUT, f"{WITHOUT}?format=csv"):
        said, (*_, access) = request_and_log(reader, "get", where)
        assert NAME in said
        assert get_numbers(access) == [NUMBER]


def test_a_row_has_person_patient_page_address_and_request_id(reader: Client) -> None:
    record = factories.medical_record(NUMBER)
    answer = reader.get(f"{RECORDS}{record.pk}/change/", REMOTE_ADDR="192.0.2.7")
    access = Access.objects.get()
    assert access.person == User.objects.get()
    assert (access.page, access.patient_ids) == ("admin:patients_medicalrecord_change", [NUMBER])
    assert (access.client_address, access.request) == ("192.0.2.7", answer["X-Request-ID"])


def test_a_list_records_only_the_patients_on_its_page(reader: Client) -> None:
    for number in range(60):
        factories.medical_record(f"P{number:02}")
    reader.get(f"{RECORDS}?p=2")
    assert Access.objects.get().patient_ids == [f"P{number:02}" for number in range(50, 60)]


def test_filters_are_recorded_without_their_values(reader: Client) -> None:
    factories.medical_record(NUMBER, name=NAME, medical_conditions="Asthma")
    reader.get(f"{RECORDS}?{urlencode({'condition': 'Asthma', 'min_age': 20, 'q': NAME})}", follow=True)
    for access in Access.objects.all():
        assert set(access.filters) <= {"condition", "min_age", "found"}
    reader.post(RECORDS, {"q": NAME.split(maxsplit=1)[0]}, follow=True)
    assert Access.objects.latest("access_id").filters == ["found"]


def test_an_export_is_recorded_with_its_row_count_and_filters(reader: Client) -> None:
    for number in range(3):
        factories.medical_record(f"P{number}", gender="F" if number else "M")
    reader.get(f"{WITHOUT}?format=xlsx&gender=F")
    access = Access.objects.get()
    assert (access.page, access.file_rows, access.filters) == ("reports:without-tracker", 2, ["gender"])
    form = {"format": "0", "resource": ""}
    answer = reader.post(f"{RECORDS}export/?gender=M", form)
    assert "attachment" in answer["Content-Disposition"]
    access = Access.objects.latest("access_id")
    assert (access.page, access.file_rows, access.filters) == ("admin:patients_medicalrecord_export", 1, ["gender"])


FILES: dict[str, Callable[[Client], Any]] = {
    "records": lambda client: client.post(f"{RECORDS}export/?gender=F", {"format": "0", "resource": ""}),
    "records as XLSX": lambda client: client.post(f"{RECORDS}export/?gender=F", {"format": "1", "resource": ""}),
    "report": lambda client: client.get(f"{WITHOUT}?format=csv&gender=F"),
    "sorted report": lambda client: client.get(f"{WITHOUT}?format=xlsx&gender=F&sort=-name"),
}
each_file = pytest.mark.parametrize("download", FILES.values(), ids=FILES)


@each_file
def test_a_file_is_recorded_with_the_numbers_of_its_patients(reader: Client, download: Callable[[Client], Any]) -> None:
    for number in range(3):
        factories.medical_record(f"P{number}", gender="F" if number else "M")
    content_of(download(reader))
    head, part = Access.objects.order_by("access_id")
    assert (head.patient_ids, head.file_patients, part.file_patients) == ([], None, ["P1", "P2"])
    shared = attrgetter("person_id", "page", "file_rows", "filters", "client_address", "request")
    assert shared(head) == shared(part)


@each_file
def test_the_patients_of_a_file_are_recorded_before_their_rows_are_sent(
    reader: Client, download: Callable[[Client], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_recorder, "PATIENTS_PER_PART", 2)
    monkeypatch.setattr("healthtrack.core.downloads.responses.CHUNK_ROWS", 1)
    for number in range(5):
        factories.medical_record(f"P{number}", name=NAME)
    sent = ""
    for chunk in download(reader).streaming_content:
        sent += chunk.decode(errors="replace")
        recorded = {number for access in Access.objects.all() for number in get_numbers(access)}
        assert set(re.findall(r"\bP\d\b", sent)) <= recorded
    parts = Access.objects.exclude(file_patients=None).order_by("access_id")
    assert [len(get_numbers(part)) for part in parts] == [2, 2, 1]


def test_a_patient_who_is_added_during_a_download_is_recorded_if_sent(
    reader: Client,
) -> None:
    factories.medical_record("P1")
    answer: Any = reader.get(f"{WITHOUT}?format=csv")
    factories.medical_record(NUMBER)
    assert NUMBER in content_of(answer)
    assert NUMBER in get_numbers(Access.objects.latest("access_id"))


def test_if_patients_of_a_file_cannot_be_recorded_their_rows_are_not_sent(
    reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.medical_record(NUMBER, name=NAME)
    answer: Any = reader.get(f"{WITHOUT}?format=csv")

    def fail(*_: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(access_recorder, "_write", fail)
    with pytest.raises(DatabaseError):
        content_of(answer)


def test_the_confirmation_of_a_deletion_is_recorded(sign_in: SignIn) -> None:
    factories.medical_record(NUMBER)
    client = sign_in(SEE, "patients.delete_medicalrecord")
    assert NUMBER in content_of(client.get(f"{RECORDS}{NUMBER}/delete/"))
    assert Access.objects.get().patient_ids == [NUMBER]


def test_a_form_shown_again_with_errors_is_recorded(sign_in: SignIn) -> None:
    factories.medical_record(NUMBER, name=NAME)
    client = sign_in(SEE, "patients.change_medicalrecord")
    assert client.post(f"{RECORDS}{NUMBER}/change/", {"name": ""}).status_code == 200
    assert NUMBER in Access.objects.get().patient_ids


def test_no_field_offers_patients_for_completion(sign_in: SignIn) -> None:
    factories.medical_record(NUMBER, name=NAME)
    query = {"app_label": "patients", "model_name": "medicalrecordtracker", "field_name": "patient", "term": "W"}
    assert sign_in(SEE).get("/admin/autocomplete/", query).status_code == 404


@pytest.mark.parametrize("where", ["/", "/admin/", "/reports/brands/", "/admin/trackers/trackermodel/"])
def test_a_page_without_patients_is_not_recorded(reader: Client, where: str) -> None:
    reader.get(where)
    assert not Access.objects.exists()


def test_a_refused_request_is_not_recorded(sign_in: SignIn) -> None:
    factories.medical_record(NUMBER)
    assert sign_in("trackers.view_trackermodel").get(f"{RECORDS}{NUMBER}/change/").status_code == 403
    assert not Access.objects.exists()


def test_a_download_over_the_rate_limit_is_not_recorded(reader: Client, settings: LazySettings) -> None:
    settings.FILES_A_MINUTE = 1
    factories.medical_record(NUMBER)
    assert [reader.get(f"{WITHOUT}?format=csv").status_code for _ in range(2)] == [200, 429]
    assert Access.objects.count() == 1


def test_if_the_access_log_cannot_be_written_nothing_is_shown(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.medical_record(NUMBER, name=NAME)

    def fail(*_: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(access_recorder, "_write", fail)
    reader.raise_request_exception = False
    answer = reader.get(RECORDS)
    assert answer.status_code == 500
    assert NAME not in content_of(answer)


def test_recording_takes_one_statement_per_page(
    reader: Client, django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = factories.medical_record(NUMBER)
    where = f"{RECORDS}{record.pk}/change/"
    reader.get(where)
    with django_assert_num_queries(11) as executed:
        reader.get(where)
    assert sum("record_access" in query["sql"] for query in executed.captured_queries) == 1
