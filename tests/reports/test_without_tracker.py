import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from patients.models import MedicalRecord, MedicalRecordTracker
from reports import report
from tests.support import factories
from tests.support.page_permissions import assert_page_needs
from tests.support.report_pages import csv_rows, page, table, xlsx_table
from tests.support.signing_in import SignIn

PAGE = "/reports/without-tracker/"


@pytest.fixture
def analyst(sign_in: SignIn) -> Client:
    return sign_in("reports.view_without_tracker")


@pytest.fixture
def five_patients(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setattr(report, "PAGE_SIZE", 2)
    for number in range(1, 6):
        factories.medical_record(f"P{number}", name=f"Patient {number}")


def shown(client: Client, address: str) -> list[str]:
    return [row[0] for row in table(client, address)["tbody"]]


def test_needs_the_permission_for_named_lists(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, PAGE, "reports.view_without_tracker", others=["reports.view_age_groups"])


def test_lists_every_patient_without_a_link_by_number(analyst: Client) -> None:
    model = factories.tracker_model()
    for number in ("20", "3", "100", "7"):
        factories.medical_record(number, name=f"Patient {number}")
    factories.link(MedicalRecord.objects.get(pk="7"), model)
    named = [row[:2] for row in table(analyst, PAGE)["tbody"]]
    assert named == [["100", "Patient 100"], ["20", "Patient 20"], ["3", "Patient 3"]]


def test_a_reported_tracker_without_a_link_counts_as_none(analyst: Client) -> None:
    factories.medical_record("P1", tracker="Some Watch")
    assert shown(analyst, PAGE) == ["P1"]


def test_a_patient_is_listed_again_when_the_last_link_is_removed(analyst: Client) -> None:
    factories.link(factories.medical_record(), factories.tracker_model())
    assert shown(analyst, PAGE) == []
    MedicalRecordTracker.objects.all().delete()
    assert shown(analyst, PAGE) == ["P1"]


def test_the_list_equals_that_of_the_published_sql(analyst: Client) -> None:
    models = [factories.tracker_model(model_name=f"Band {number}") for number in range(3)]
    for number in range(30):
        record = factories.medical_record(f"P{number}")
        for model in models[: number % 4]:
            factories.link(record, model)
    published = MedicalRecord.objects.raw(
        "SELECT patient_id, name FROM medical_records"
        " WHERE patient_id NOT IN (SELECT patient_id FROM medical_record_and_trackers) ORDER BY patient_id"
    )
    assert shown(analyst, PAGE) == [patient.patient_id for patient in published]


@pytest.mark.usefixtures("five_patients")
def test_it_is_paged_and_the_total_is_of_the_whole_list(analyst: Client) -> None:
    assert [shown(analyst, f"{PAGE}?page={page}") for page in (1, 2, 3)] == [["P1", "P2"], ["P3", "P4"], ["P5"]]
    words = page(analyst, f"{PAGE}?page=2")
    assert "3 to 4 of 5" in words
    assert "5 patients" in words
    assert 'href="?page=3"' in words


@pytest.mark.usefixtures("five_patients")
@pytest.mark.parametrize(
    ("value", "nearest"), [("99", "P5"), ("0", "P1"), ("-3", "P1"), ("x", "P1"), ("%00", "P1"), ("9" * 5000, "P1")]
)
def test_a_page_that_does_not_exist_shows_the_nearest_and_says_so(analyst: Client, value: str, nearest: str) -> None:
    assert shown(analyst, f"{PAGE}?page={value}")[0] == nearest
    assert "This is page " in page(analyst, f"{PAGE}?page={value}")


@pytest.mark.usefixtures("five_patients")
def test_files_contain_all_pages(analyst: Client) -> None:
    why = "No tracker reported"
    rows = [["Patient number", "Name", "Why"], *([f"P{number}", f"Patient {number}", why] for number in range(1, 6))]
    assert csv_rows(analyst, f"{PAGE}?page=2&format=csv") == rows
    assert xlsx_table(analyst, f"{PAGE}?page=2&format=xlsx") == [*rows, ["Total", "5 patients", None]]


@pytest.mark.usefixtures("five_patients")
def test_the_links_to_the_files_contain_no_page(analyst: Client) -> None:
    assert 'href="?format=csv"' in page(analyst, f"{PAGE}?page=2")


def test_patients_link_to_their_records_with_the_permission_for_records(sign_in: SignIn) -> None:
    factories.medical_record("P/1 ä")
    client = sign_in("reports.view_without_tracker", "patients.view_medicalrecord")
    address = reverse("admin:patients_medicalrecord_change", args=["P_2F1 ä"])
    assert page(client, PAGE).count(f'href="{address}"') == 2


def test_patients_have_no_links_without_the_permission_for_records(analyst: Client) -> None:
    factories.medical_record("P1")
    assert "medicalrecord" not in page(analyst, PAGE)


def test_names_are_escaped(analyst: Client) -> None:
    factories.medical_record("P1", name="<script>alert(1)</script>")
    assert "&lt;script&gt;alert(1)" in page(analyst, PAGE)


def test_an_empty_database_says_so(analyst: Client) -> None:
    assert "There are no patients yet." in page(analyst, PAGE)


def test_it_says_so_when_every_patient_has_a_tracker(analyst: Client) -> None:
    factories.link(factories.medical_record(), factories.tracker_model())
    assert "Every patient is linked to a tracker model." in page(analyst, PAGE)


@pytest.mark.parametrize("address", [PAGE, f"{PAGE}?format=csv", f"{PAGE}?format=xlsx"])
def test_nothing_on_the_way_may_store_the_names(analyst: Client, address: str) -> None:
    response = analyst.get(address)
    response.close()
    assert response["Cache-Control"] == "no-store"


def test_the_number_of_queries_does_not_depend_on_the_number_of_patients(
    sign_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = sign_in("reports.view_without_tracker", "patients.view_medicalrecord")
    for number in range(40):
        factories.medical_record(f"P{number}")
    with django_assert_max_num_queries(18):
        client.get(PAGE)
