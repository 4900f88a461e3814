import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.support import factories
from tests.support.page_permissions import assert_page_needs
from tests.support.report_pages import page, table
from tests.support.signing_in import SignIn
from trackers.models import TrackerModel

PAGE = "/reports/conditions/"


@pytest.fixture
def analyst(sign_in: SignIn) -> Client:
    return sign_in("reports.view_conditions")


def patient(number: int, conditions: str, *models: TrackerModel) -> None:
    record = factories.medical_record(f"P{number}", medical_conditions=conditions)
    for model in models:
        factories.link(record, model)


def shown(client: Client, address: str = PAGE) -> list[tuple[str, str, str, str]]:
    return [(row[0], row[1], row[2], row[3]) for row in table(client, address)["tbody"]]


def test_needs_the_permission_for_totals(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, PAGE, "reports.view_conditions", others=["reports.view_without_tracker"])


def test_patients_are_counted_by_condition_and_brand(analyst: Client) -> None:
    honor, xiaomi = factories.tracker_model("Honor"), factories.tracker_model("Xiaomi")
    patient(1, "Asthma", honor, xiaomi)
    patient(2, "Asthma", honor)
    patient(3, "Asthma")
    patient(4, "Gout", xiaomi)
    assert shown(analyst) == [
        ("Asthma", "Any brand", "2", "3"),
        ("Asthma", "Honor", "2", "3"),
        ("Asthma", "Xiaomi", "1", "3"),
        ("Gout", "Any brand", "1", "1"),
        ("Gout", "Xiaomi", "1", "1"),
    ]


def test_a_patient_with_several_conditions_counts_once_for_each(analyst: Client) -> None:
    honor = factories.tracker_model("Honor")
    patient(1, "Diabetes, Asthma", honor)
    patient(2, "asthma ,ASTHMA", honor)
    patient(3, "Asthma", honor)
    assert [row for row in shown(analyst) if row[1] == "Honor"] == [
        ("Asthma", "Honor", "3", "3"),
        ("Diabetes", "Honor", "1", "1"),
    ]


def test_a_patient_with_several_models_of_a_brand_counts_once(analyst: Client) -> None:
    patient(1, "Asthma", *(factories.tracker_model("Honor", f"Band {number}") for number in range(5)))
    assert ("Asthma", "Honor", "1", "1") in shown(analyst)


def test_shares_have_a_confidence_interval(analyst: Client) -> None:
    honor = factories.tracker_model("Honor")
    for number in range(10):
        patient(number, "Asthma", *([honor] if number < 5 else []))
    assert table(analyst, PAGE)["tbody"][1] == ["Asthma", "Honor", "5", "10", "50.0", "23.7", "76.3"]
    assert "95 % confidence interval (Wilson)" in page(analyst, PAGE)


def test_patients_without_a_condition_are_not_included(analyst: Client) -> None:
    patient(1, "", factories.tracker_model())
    words = page(analyst, PAGE)
    assert "No patient has a condition yet." in words
    assert "Not included: 1 patient without a condition." in words


def test_the_heat_map_has_only_the_first_20_conditions_by_frequency(analyst: Client) -> None:
    for number in range(25):
        patient(number, f"Condition {number:02}")
    words = page(analyst, PAGE)
    assert "the 20 most frequent conditions" in words
    shaded = words.partition('class="heat"')[2].partition("</table>")[0]
    assert "Condition 19" in shaded
    assert "Condition 20" not in shaded


def test_it_needs_few_queries(analyst: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(30):
        patient(number, f"Condition {number}, Asthma", factories.tracker_model(f"Brand {number}"))
    with django_assert_max_num_queries(15):
        analyst.get(PAGE)
    with django_assert_max_num_queries(8):
        analyst.get(PAGE)
