"""Patients by the month in which they were added, and the comparison of two periods."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from healthtrack.core.date_formats import get_today
from healthtrack.imports.models import ImportRun, State
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.report_pages import check_figures, csv_rows, page, table
from tests.support.signing_in import SignIn

PAGE, COMPARISON = "/reports/over-time/", "/reports/comparison/"
JANUARY, MARCH, APRIL = date(2026, 1, 31), date(2026, 3, 1), date(2026, 4, 30)


@pytest.fixture
def analyst(sign_in: SignIn) -> Client:
    return sign_in("reports.view_over_time", "reports.view_comparison", "patients.view_medicalrecord")


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def add_by_hand(number: str, day: date, **values: object) -> MedicalRecord:
    """Add a record, and let the history say that this was on another day."""
    record = factories.medical_record(number, **values)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE changes DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE changes SET changed_at = %s WHERE patient_id = %s AND changed_at >= now()", [noon(day), number]
        )
        cursor.execute("ALTER TABLE changes ENABLE TRIGGER USER")
    return record


def add_by_import(day: date, *numbers: str, **values: object) -> ImportRun:
    run = factories.import_run(State.APPLIED, finished_at=noon(day))
    for number in numbers:
        factories.medical_record(number, made_by_run=run.pk, **values)
    return run


def rows(client: Client, address: str) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in table(client, address)["tbody"] if row[1] != "0"}


@pytest.mark.parametrize(("address", "right"), [(PAGE, "view_over_time"), (COMPARISON, "view_comparison")])
def test_the_page_needs_its_permission(sign_in: SignIn, address: str, right: str) -> None:
    assert_page_needs(sign_in, address, f"reports.{right}", others=["reports.view_brands"])


def test_patients_count_in_the_month_in_which_their_import_ended_or_a_person_added_them(analyst: Client) -> None:
    add_by_import(JANUARY, "I1", "I2")
    add_by_import(MARCH, "I3")
    add_by_hand("H1", MARCH)
    assert rows(analyst, PAGE) == {"Jan 2026": ["2", "2", "0"], "Mar 2026": ["2", "1", "1"]}
    assert table(analyst, PAGE)["tfoot"] == [["Total", "4", "3", "1"]]
    assert table(analyst, PAGE)["thead"] == [["Month", "Patients added", "By import", "By hand"]]


def test_every_month_until_today_is_listed_the_latest_first(analyst: Client) -> None:
    add_by_import(date(get_today().year - 1, 12, 15), "I1")
    months = [row[0] for row in table(analyst, PAGE)["tbody"]]
    assert months[-1] == f"Dec {get_today().year - 1}"
    assert months[0] == f"{get_today():%b %Y}"
    assert len(months) == get_today().month + 1


def test_a_restored_or_repeated_record_counts_when_it_was_added_last(analyst: Client) -> None:
    add_by_hand("H1", JANUARY).delete()
    add_by_hand("H1", MARCH)
    assert rows(analyst, PAGE) == {"Mar 2026": ["1", "1"]}


def test_deleted_patients_do_not_count(analyst: Client) -> None:
    add_by_import(JANUARY, "I1", "I2")
    MedicalRecord.objects.filter(pk="I1").delete()
    assert rows(analyst, PAGE) == {"Jan 2026": ["1", "1"]}


def test_patients_older_than_the_history_are_named_as_unknown(analyst: Client) -> None:
    factories.medical_record("P1", made_by_run=4711)  # a run that does not exist
    add_by_import(JANUARY, "I1")
    assert "Not included: 1 patient whose records are older than the history." in page(analyst, PAGE)
    assert rows(analyst, PAGE) == {"Jan 2026": ["1", "1"]}


def test_patients_are_counted_by_brand_and_condition_of_today(analyst: Client) -> None:
    add_by_import(JANUARY, "I1", "I2", medical_conditions="Asthma, gout")
    add_by_import(MARCH, "I3", medical_conditions="Gout")
    honor, xiaomi = factories.tracker_model("Honor"), factories.tracker_model("Xiaomi")
    for number, model in (("I1", honor), ("I1", xiaomi), ("I3", honor)):
        factories.link(MedicalRecord.objects.get(pk=number), model)
    by_brand = table(analyst, f"{PAGE}?by=brand")
    assert by_brand["thead"][0][2:] == ["Honor", "Xiaomi"]
    assert rows(analyst, f"{PAGE}?by=brand") == {"Jan 2026": ["2", "1", "1"], "Mar 2026": ["1", "1", "0"]}
    assert table(analyst, f"{PAGE}?by=condition")["thead"][0][2:] == ["gout", "Asthma"]
    assert rows(analyst, f"{PAGE}?by=condition") == {"Jan 2026": ["2", "2", "2"], "Mar 2026": ["1", "1", "0"]}
    assert rows(analyst, f"{PAGE}?by=gender&condition=Asthma") == {"Jan 2026": ["2", "2"]}


@pytest.mark.parametrize("query", ["", "by=brand", "by=condition", "by=gender", "by=condition&condition=Gout&gender=F"])
def test_figures_link_to_their_patients(analyst: Client, query: str) -> None:
    add_by_import(JANUARY, "I1", "I2", medical_conditions="Asthma, gout")
    factories.link(add_by_hand("H1", MARCH, medical_conditions="Gout"), factories.tracker_model())
    add_by_hand("H2", JANUARY, gender="M")
    factories.medical_record("old", made_by_run=4711)
    for address in (PAGE, COMPARISON):
        periods = "first_from=2026-01-01&first_to=2026-02-28&second_from=2026-03-01&second_to=2026-03-31"
        check_figures(analyst, f"{address}?{query}{f'&{periods}' if address == COMPARISON else ''}")


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "9999-12-31", "2026-01-31"])
def test_any_day_filters_by_the_day_of_addition(analyst: Client, day: str) -> None:
    add_by_import(JANUARY, "I1")
    add_by_hand("H1", JANUARY)
    since, until = (rows(analyst, f"{PAGE}?added_{side}={day}") for side in ("after", "before"))
    assert bool(since) == (day != "9999-12-31")
    assert bool(until) == (day >= "2026-01-31")


def test_two_periods_are_compared(analyst: Client) -> None:
    add_by_import(JANUARY, "I1", "I2", "I3", "I4", medical_conditions="Asthma")
    add_by_import(MARCH, "I5", "I6", medical_conditions="Asthma")
    add_by_import(APRIL, "I7", medical_conditions="Gout")
    query = "by=condition&first_from=2026-01-31&first_to=2026-01-31&second_from=2026-03-01&second_to=2026-04-30"
    read = table(analyst, f"{COMPARISON}?{query}")
    assert read["tbody"] == [["Asthma", "4", "2", "-2", "-50.0"], ["Gout", "0", "1", "1", "new"]]
    assert read["tfoot"] == [["All patients added, each once", "4", "3", "-1", "-25.0"]]
    assert read["thead"][0][1:3] == ["31 Jan 2026 to 31 Jan 2026", "1 Mar 2026 to 30 Apr 2026"]
    assert csv_rows(analyst, f"{COMPARISON}?{query}&format=csv")[1] == ["Asthma", "4", "2", "-2", "-50.0"]


def test_without_periods_the_last_30_days_are_compared_with_the_30_before(analyst: Client) -> None:
    for back in (0, 29, 30, 59, 60):
        add_by_import(get_today() - timedelta(days=back), f"I{back}")
    assert table(analyst, f"{COMPARISON}?by=source")["tbody"] == [["By import", "2", "2", "0", "0.0"]]


@pytest.mark.parametrize(
    ("address", "query", "field", "sentence"),
    [
        (PAGE, "by=x", "by", "“x” is not a valid value for “By”. Use source or brand or condition or gender."),
        (COMPARISON, "by=x", "by", "“x” is not a valid value for “By”."),
        (COMPARISON, "first_to=x", "first_to", "“x” is not a valid value for “First period to”. Use a date such as"),
        (
            COMPARISON,
            "second_from=2026-02-01&second_to=2026-01-01",
            "second_from",
            "“Second period from” (2026-02-01) must not be after “Second period to” (2026-01-01).",
        ),
    ],
)
def test_errors_are_at_their_fields(analyst: Client, address: str, query: str, field: str, sentence: str) -> None:
    found = Page.get(analyst, f"{address}?{query}&gender=F", status=400)
    assert (found.one(f"#{field}-error").text_content() or "").startswith(sentence)
    assert found.one("[name=gender] [selected]").get("value") == "F"


@pytest.mark.parametrize("address", [f"{PAGE}?by=brand", f"{COMPARISON}?by=condition"])
def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    analyst: Client, django_assert_max_num_queries: DjangoAssertNumQueries, address: str
) -> None:
    for number in range(12):
        add_by_import(JANUARY - timedelta(days=31 * number), f"I{number}", medical_conditions=f"Condition {number}")
    with django_assert_max_num_queries(20):
        analyst.get(address)
