from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthtrack.imports.models import State
from patients.linking.links import relink
from patients.models import MedicalRecord
from reports.queries import data_quality as queries
from tests.support import factories
from tests.support.page_permissions import assert_page_needs
from tests.support.report_pages import counts, page, table
from tests.support.signing_in import AsRole, SignIn

PAGE = "/reports/data-quality/"
STEWARD = (
    "reports.view_data_quality",
    "patients.view_medicalrecord",
    "trackers.view_trackeralias",
    "trackers.add_trackeralias",
)
SEEN = date(2024, 5, 1)
AS_OF = f"{PAGE}?as_of=2024-06-01"


@pytest.fixture
def analyst(sign_in: SignIn) -> Client:
    return sign_in("reports.view_data_quality")


def patient(number: int, **values: object) -> None:
    about = {"last_appointment_date": SEEN, "name": f"Patient {number}", **values}
    relink([factories.medical_record(f"P{number}", **about).pk])


def test_needs_the_permission_for_totals(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, PAGE, "reports.view_data_quality", others=["reports.view_without_tracker"])


def test_counts_unmatched_and_ambiguous_names_and_their_patients(analyst: Client) -> None:
    for brand in ("Honor", "Xiaomi"):
        factories.tracker_model(brand, "Band 2")
    for number, tracker in enumerate(["Loop 9", "loop 9", "Halo", "Band 2", "Honor Band 2", ""]):
        patient(number, tracker=tracker)
    rows = {row[0]: row[1:4] for row in table(analyst, AS_OF)["tbody"]}
    assert rows["Unmatched tracker names"] == ["2", "3", "50.0"]
    assert rows["Ambiguous tracker names"] == ["1", "1", "16.7"]


def test_finds_patients_without_an_appointment_for_two_years(analyst: Client) -> None:
    for number, day in enumerate([None, date(2022, 5, 31), date(2022, 6, 1), SEEN]):
        patient(number, last_appointment_date=day)
    assert counts(analyst, AS_OF)["No appointment for two years"] == 2


def test_finds_records_with_the_same_name_and_date_of_birth(analyst: Client) -> None:
    born = date(1980, 1, 1)
    for number, (name, day) in enumerate(
        [("Ada Byron", born), ("ADA BYRON", born), ("Ada Byron", date(1980, 1, 2)), ("Bob", born)]
    ):
        patient(number, name=name, date_of_birth=day)
    rows = {row[0]: row[1:3] for row in table(analyst, AS_OF)["tbody"]}
    assert rows["Possible duplicates"] == ["1", "2"]


def test_a_duplicate_need_not_match_the_filters(analyst: Client) -> None:
    patient(1, name="Ada", gender="F")
    patient(2, name="Ada", gender="M")
    assert counts(analyst, f"{AS_OF}&gender=F")["Possible duplicates"] == 1


@pytest.mark.parametrize("limit", [2, 3])
def test_duplicates_too_many_to_remember_are_counted_too(
    analyst: Client, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(queries, "MAX_DUPLICATES", limit)
    for number, gender in enumerate("FMF"):
        patient(number, name="Ada", gender=gender)
    rows = {row[0]: row[1:3] for row in table(analyst, AS_OF)["tbody"]}
    assert rows["Possible duplicates"] == ["1", "3"]
    assert counts(analyst, f"{AS_OF}&gender=F")["Possible duplicates"] == 2


def test_names_are_compared_once_for_all_filters_until_a_record_changes(analyst: Client) -> None:
    patient(1, name="Ada", gender="F")
    patient(2, name="Ada", gender="M")
    assert counts(analyst, f"{AS_OF}&gender=F")["Possible duplicates"] == 1
    with CaptureQueriesContext(connection) as queried:
        assert counts(analyst, f"{AS_OF}&gender=M")["Possible duplicates"] == 1
    assert not [query for query in queried if "HAVING count(*) > 1" in query["sql"]]
    patient(3, name="Ada", gender="M")
    assert counts(analyst, f"{AS_OF}&gender=M")["Possible duplicates"] == 2


def test_counts_the_duplicate_rows_that_imports_combined(sign_in: SignIn) -> None:
    for kind, rows_merged in (("patients.medicalrecord", 3), ("trackers.fitnesstracker", 4)):
        factories.import_run(State.APPLIED, importer=kind, result={"merged": rows_merged}, finished_at=timezone.now())
    factories.import_run(State.CHECKED, result={"merged": 5})
    client = sign_in("reports.view_data_quality", "imports.view_importrun")
    rows = {row[0]: row[1:3] for row in table(client, AS_OF)["tbody"]}
    assert rows["Duplicate rows combined by imports"] == ["7", "3"]
    assert reverse("admin:imports_importrun_changelist") in page(client, AS_OF)
    assert "Duplicate rows combined" not in page(client, f"{AS_OF}&gender=F")


def test_a_patient_linked_without_a_reported_tracker_is_not_a_name_to_resolve(sign_in: SignIn) -> None:
    patient(1)
    for brand in ("Honor", "Xiaomi"):
        factories.link(MedicalRecord.objects.get(), factories.tracker_model(brand), "import")
    client = sign_in(*STEWARD)
    rows = {row[0]: row[1:3] for row in table(client, AS_OF)["tbody"]}
    assert rows["Ambiguous tracker names"] == ["0", "1"]
    assert "names-caption" not in page(client, AS_OF)


def test_each_problem_links_to_the_page_that_resolves_it(sign_in: SignIn) -> None:
    patient(1, tracker="Loop 9")
    words = page(sign_in(*STEWARD), AS_OF)
    for address in ("#unmatched", "#ambiguous", "appointment=stale", "duplicates=yes", "resolve/?name=Loop+9"):
        assert address in words, address


def test_without_the_permission_to_resolve_names_they_are_still_listed(sign_in: SignIn) -> None:
    patient(1, tracker="Loop 9")
    words = page(sign_in(*STEWARD[:-1]), AS_OF)
    assert "Loop 9" in words
    assert "resolve/" not in words


def test_tracker_names_are_listed_only_with_the_permission_for_records(analyst: Client) -> None:
    patient(1, tracker="Loop 9")
    words = page(analyst, AS_OF)
    assert "Loop 9" not in words
    assert "medicalrecord" not in words


def test_an_empty_database_says_so(analyst: Client) -> None:
    assert "There are no patients yet." in page(analyst, PAGE)
    assert set(counts(analyst, PAGE).values()) == {0}


def test_it_needs_few_queries(sign_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    client = sign_in(*STEWARD)
    for number in range(30):
        patient(number, tracker=f"Loop {number}")
    with django_assert_max_num_queries(21):
        client.get(PAGE)
    assert MedicalRecord.objects.count() == 30


def test_who_may_not_act_reads_whom_to_ask(as_role: AsRole) -> None:
    patient(1, tracker="Loop 9")
    viewer = page(as_role("Viewer"), PAGE)
    assert "Ask a record keeper or an administrator to record the appointment" in viewer
    assert "Ask a data steward or an administrator about the names" in viewer
    assert "Ask a data steward or an administrator to merge them" in viewer


def test_who_may_act_reads_what_to_do(as_role: AsRole) -> None:
    administrator = page(as_role("Administrator"), PAGE)
    assert "Contact the patient or record the appointment" in administrator
    assert "Ask a" not in administrator
