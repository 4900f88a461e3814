from datetime import date, timedelta
from itertools import product

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from patients.age import BANDS, completed_years, get_latest_birth_date
from patients.models import MedicalRecord
from reports.queries.age_groups import patients_by_age_group
from tests.support import factories
from tests.support.page import Page, text_of
from tests.support.page_permissions import assert_page_needs
from tests.support.report_pages import counts, csv_rows, page, table, xlsx_table
from tests.support.signing_in import SignIn

PAGE = "/reports/age-groups/"
NOBODY = {"0-18": 0, "19-35": 0, "36-50": 0, "51+": 0}
PUBLISHED = """
SELECT CASE WHEN age BETWEEN 0 AND 18 THEN '0-18'
            WHEN age BETWEEN 19 AND 35 THEN '19-35'
            WHEN age BETWEEN 36 AND 50 THEN '36-50'
            ELSE '51+' END, count(*)
  FROM (SELECT EXTRACT(YEAR FROM AGE(%s, date_of_birth)) AS age FROM medical_records WHERE date_of_birth <= %s) AS aged
 GROUP BY 1
"""


@pytest.fixture
def analyst(sign_in: SignIn) -> Client:
    return sign_in("reports.view_age_groups")


def born(*days: date) -> None:
    for number, day in enumerate(days):
        factories.medical_record(f"P{number}", date_of_birth=day)


def group_on(day: date) -> str:
    """Return the age group of the only patient."""
    return next(group.ages for group in patients_by_age_group(day).groups if group.patients)


def test_needs_the_permission_for_totals(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, PAGE, "reports.view_age_groups", others=["reports.view_without_tracker"])


def test_groups_are_listed_from_the_youngest_to_the_oldest(analyst: Client) -> None:
    born(date(1950, 1, 1), date(1990, 1, 1), date(1991, 1, 1), date(2020, 1, 1), date(2020, 1, 2), date(2020, 1, 3))
    answer = counts(analyst, f"{PAGE}?as_of=2024-06-01")
    assert list(answer.items()) == [("0-18", 3), ("19-35", 2), ("36-50", 0), ("51+", 1)]


def test_the_total_is_the_sum_of_the_groups(analyst: Client) -> None:
    born(date(1950, 1, 1), date(1990, 1, 1), date(2020, 1, 1))
    assert table(analyst, f"{PAGE}?as_of=2024-06-01")["tfoot"] == [["Total", "3", "100.0", "3", "0", "0", "0"]]


def test_each_gender_is_a_column_and_those_of_some_patients_are_in_the_chart(analyst: Client) -> None:
    for number, gender in enumerate("FOU"):
        factories.medical_record(f"P{number}", gender=gender, date_of_birth=date(1990, 1, 1))
    read = table(analyst, f"{PAGE}?as_of=2024-06-01")
    assert read["tfoot"] == [["Total", "3", "100.0", "1", "0", "1", "1"]]
    legend = Page.get(analyst, f"{PAGE}?as_of=2024-06-01").all(".chart-legend li")
    assert [text_of(entry) for entry in legend] == ["Female", "Other", "Unknown"]


@pytest.mark.parametrize(
    ("birthday", "before", "after"),
    [
        (date(2019, 5, 17), "0-18", "19-35"),
        (date(2036, 5, 17), "19-35", "36-50"),
        (date(2051, 5, 17), "36-50", "51+"),
    ],
)
@pytest.mark.django_db
def test_a_patient_changes_groups_on_the_birthday(birthday: date, before: str, after: str) -> None:
    born(date(2000, 5, 17))
    assert group_on(birthday - timedelta(days=1)) == before
    assert group_on(birthday) == after
    assert group_on(birthday + timedelta(days=1)) == after


@pytest.mark.django_db
def test_a_birthday_on_29_february_counts_on_1_march_of_a_common_year() -> None:
    born(date(2000, 2, 29))
    assert group_on(date(2019, 2, 28)) == "0-18"
    assert group_on(date(2019, 3, 1)) == "19-35"


@pytest.mark.django_db
def test_a_birthday_on_29_february_counts_on_that_day_of_a_leap_year() -> None:
    born(date(2000, 2, 29))
    assert group_on(date(2036, 2, 28)) == "19-35"
    assert group_on(date(2036, 2, 29)) == "36-50"


@pytest.mark.django_db
def test_birthdays_around_29_february_count_correctly_on_that_day() -> None:
    born(date(2005, 3, 1))
    assert group_on(date(2024, 2, 29)) == "0-18"
    MedicalRecord.objects.update(date_of_birth=date(2005, 2, 28))
    assert group_on(date(2024, 2, 29)) == "19-35"


def test_ages_are_those_of_today_if_no_day_is_given(analyst: Client) -> None:
    today = timezone.localdate()
    born(today, today + timedelta(days=1))
    for address in (PAGE, f"{PAGE}?as_of="):
        assert counts(analyst, address) == {**NOBODY, "0-18": 1}
    assert f"age on {today:%-d %b %Y}" in page(analyst, PAGE)


def test_patients_born_after_the_day_are_not_included(analyst: Client) -> None:
    born(date(1970, 1, 1), date(2000, 1, 1), date(2000, 1, 2), date(2001, 1, 1))
    address = f"{PAGE}?as_of=2000-01-01"
    assert counts(analyst, address) == {**NOBODY, "0-18": 1, "19-35": 1}
    assert "Not included: 2 patients born after 1 Jan 2000." in page(analyst, address)


def test_without_patients_born_after_the_day_nothing_is_said_about_them(analyst: Client) -> None:
    born(date(2000, 1, 1))
    assert "Not included" not in page(analyst, PAGE)


def test_a_day_before_every_birth_says_so(analyst: Client) -> None:
    born(date(2000, 1, 1))
    assert "No patient was born by 31 Dec 1899." in page(analyst, f"{PAGE}?as_of=1899-12-31")


def test_an_empty_database_says_so_and_shows_every_group(analyst: Client) -> None:
    assert counts(analyst, PAGE) == NOBODY
    assert "There are no patients yet." in page(analyst, PAGE)


@pytest.mark.parametrize("value", ["31/12/2024", "2024-02-30", "20241231", "2024-1-1", "0000-01-01", "%00", "x" * 500])
def test_an_invalid_day_is_an_error(analyst: Client, value: str) -> None:
    for address in (f"{PAGE}?as_of={value}", f"{PAGE}?as_of={value}&format=csv"):
        words = page(analyst, address, status=400)
        assert "” is not a valid value for “Age on”." in words
        assert "Use a date such as 2024-12-31." in words


def test_an_invalid_value_is_escaped(analyst: Client) -> None:
    assert "“&lt;b&gt;” is not a valid value for “Age on”." in page(analyst, f"{PAGE}?as_of=<b>", status=400)


@pytest.mark.parametrize(("day", "group"), [("0001-01-01", None), ("0019-12-31", None), ("9999-12-31", "51+")])
def test_the_first_and_the_last_year_are_valid(analyst: Client, day: str, group: str | None) -> None:
    born(date(1980, 5, 17))
    assert counts(analyst, f"{PAGE}?as_of={day}") == NOBODY | ({group: 1} if group else {})


@pytest.mark.django_db
def test_the_counts_equal_those_of_the_published_sql() -> None:
    about = [
        date(year, month, day)
        for year in (1949, 1972, 1973, 1988, 2004, 2005)
        for month, day in ((2, 27), (2, 28), (3, 1), (5, 17), (12, 31))
    ]
    born(*about, date(1952, 2, 29), date(1972, 2, 29), date(1988, 2, 29), date(2004, 2, 29))
    for year, (month, day) in product((1999, 2022, 2023, 2025), ((2, 27), (2, 28), (3, 1), (3, 2), (5, 16), (5, 17))):
        as_of = date(year, month, day)
        with connection.cursor() as cursor:
            cursor.execute(PUBLISHED, [as_of, as_of])
            published = dict(cursor.fetchall())
        assert {
            group.ages: group.patients for group in patients_by_age_group(as_of).groups if group.patients
        } == published


@given(st.dates(), st.dates())
def test_an_age_group_contains_exactly_the_births_of_its_completed_years(birth: date, as_of: date) -> None:
    age = completed_years(birth, as_of)
    for band in BANDS:
        latest = get_latest_birth_date(band.youngest, as_of)
        assert (latest is not None and birth <= latest) == (age >= band.youngest)


def test_files_contain_the_rows_of_the_page(analyst: Client) -> None:
    born(date(1950, 1, 1), date(1990, 1, 1), date(1991, 1, 1))
    address = f"{PAGE}?as_of=2024-06-01"
    read = table(analyst, address)
    assert csv_rows(analyst, f"{address}&format=csv") == [*read["thead"], *read["tbody"]]
    assert xlsx_table(analyst, f"{address}&format=xlsx") == [
        ["Age group", "Patients", "Share, %", "Female", "Male", "Other", "Unknown"],
        ["0-18", 0, 0, 0, 0, 0, 0],
        ["19-35", 2, 66.7, 2, 0, 0, 0],
        ["36-50", 0, 0, 0, 0, 0, 0],
        ["51+", 1, 33.3, 1, 0, 0, 0],
        ["Total", 3, 100, 3, 0, 0, 0],
    ]


def test_the_links_to_the_files_contain_the_day(analyst: Client) -> None:
    words = page(analyst, f"{PAGE}?as_of=2024-06-01")
    assert 'href="?as_of=2024-06-01&amp;format=csv"' in words
    assert 'href="?as_of=2024-06-01&amp;format=xlsx"' in words


def test_it_needs_few_queries(analyst: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    born(date(1950, 1, 1))
    with django_assert_max_num_queries(13):
        analyst.get(PAGE)
