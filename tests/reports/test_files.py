"""What the files of reports are called, and what they say about themselves."""

from datetime import date
from urllib.parse import urlencode

import pytest
from django.test import Client

from healthtrack.core.date_formats import get_today
from reports.file_names import MAX_LENGTH, build_file_name
from tests.support import factories
from tests.support.page import Page
from tests.support.page_permissions import REPORT_PERMISSIONS
from tests.support.report_pages import csv_rows, xlsx_rows
from tests.support.search_tokens import with_search_token
from tests.support.signing_in import SignIn

AGES, WITHOUT = "/reports/age-groups/", "/reports/without-tracker/"
DAY = date(2026, 11, 30)


@pytest.fixture
def analyst(sign_in: SignIn) -> Client:
    return sign_in(*REPORT_PERMISSIONS)


def name_of(client: Client, address: str) -> str:
    return client.get(address)["Content-Disposition"]


def test_a_file_is_named_after_the_report_its_filters_and_the_day(analyst: Client) -> None:
    query = "gender=F&condition=Asthma&condition=Type+2+diabetes&bands=20,64&sort=ages&page=2"
    expected = f"age-groups_gender-F_condition-asthma_condition-type-2-diabetes_bands-2064_{get_today()}.xlsx"
    assert name_of(analyst, f"{AGES}?{query}&format=xlsx").lower() == f'attachment; filename="{expected.lower()}"'
    assert name_of(analyst, f"{AGES}?format=csv") == f'attachment; filename="age-groups_{get_today()}.csv"'


def test_a_search_is_in_no_name(analyst: Client) -> None:
    factories.medical_record(name="Ada Byron")
    address = f"{WITHOUT}?{urlencode(with_search_token(analyst, WITHOUT, {'q': 'Byron'}))}"
    assert name_of(analyst, f"{address}&format=csv") == f'attachment; filename="without-tracker_{get_today()}.csv"'
    facts = [row[:2] for row in xlsx_rows(analyst, f"{address}&format=xlsx")[1:3]]
    assert facts[0] == ["Filters", "search terms"]


def test_names_are_short_and_safe() -> None:
    hostile = [("tracker", '../..\\"\r\n'), ("condition", "ü" * 500), ("brand", "漢字"), ("allergy", "x" * 500)]
    name = build_file_name("brands", hostile * 3, DAY)
    assert len(name) <= MAX_LENGTH
    assert name.isascii()
    assert name.replace("-", "").replace("_", "").isalnum()
    assert name.endswith("_more-filters_2026-11-30")


def test_a_workbook_has_title_filters_date_person_and_totals(analyst: Client) -> None:
    factories.medical_record("P1")
    factories.medical_record("P2", gender="M")
    rows = xlsx_rows(analyst, f"{AGES}?gender=F&as_of=2026-06-01&format=xlsx")
    assert rows[0][0] == "Patients by age group"
    assert rows[1][:2] == ["Filters", "Gender: Female; Age on: 2026-06-01"]
    assert rows[2][:2] == ["Age on", "2026-06-01"]
    assert rows[3][0] == "Created"
    assert rows[3][1].startswith(f"{get_today()}")
    assert rows[4][:2] == ["By", "staff"]
    assert not any(rows[5])
    assert rows[6][:2] == ["Age group", "Patients"]
    assert rows[-1][:2] == ["Total", 1]


def test_csv_is_plain(analyst: Client) -> None:
    factories.medical_record()
    rows = csv_rows(analyst, f"{AGES}?gender=F&format=csv")
    assert len(rows) == 1 + 4
    assert rows[0][0] == "Age group"


def test_a_filter_that_looks_like_a_formula_is_text(analyst: Client) -> None:
    rows = xlsx_rows(analyst, f"{AGES}?condition=%3D1%2B1&format=xlsx")
    assert rows[1][1] == "Condition: =1+1"


def test_a_print_says_the_same(analyst: Client) -> None:
    facts = Page.get(analyst, f"{AGES}?gender=F").one(".print-facts")
    assert [part.text_content() for part in facts][:4] == ["Filters", "Gender: Female", "Age on", f"{get_today()}"]
