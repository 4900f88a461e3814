"""Each report asked of some patients, followed from a figure to the patients behind it, and downloaded."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_pages import SignInAs, assert_accessible, visit
from tests.support.page_addresses import make_rows

REPORTS = ("age-groups", "without-tracker", "brands", "conditions", "data-quality")
TABLE = ".table-box:has(#report-caption)"


@pytest.fixture
def asked(page: Page, sign_in_as: SignInAs, name: str) -> Page:
    """The report of the women alone."""
    sign_in_as(person=make_rows())
    visit(page, f"/reports/{name}/")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Gender", exact=True).select_option("Female")
    with page.expect_navigation():
        page.get_by_role("button", name="Show").click()
    return page


@pytest.mark.parametrize("name", REPORTS)
def test_what_was_asked_stands_above_the_answer_and_in_the_address(asked: Page) -> None:
    expect(asked.locator(".active-filters")).to_contain_text("Gender: Female")
    assert "gender=F" in asked.url
    assert_accessible(asked)


@pytest.mark.parametrize("name", REPORTS)
def test_the_file_holds_the_rows_of_the_page(asked: Page) -> None:
    with asked.expect_download() as download:
        asked.get_by_role("link", name="CSV").click()
    with Path(download.value.path()).open(newline="", encoding="utf-8-sig") as file:
        rows = [row[0] for row in csv.reader(file)]
    shown = asked.locator(f"{TABLE} tbody tr")
    assert len(rows[1:]) == shown.count()
    assert rows[1] == shown.first.locator("th").inner_text()


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "without-tracker"])
def test_a_figure_leads_to_as_many_patients(asked: Page) -> None:
    link = asked.locator(f"{TABLE} tbody .figure a").first
    patients = link.inner_text()
    with asked.expect_navigation():
        link.click()
    expect(asked.get_by_text(re.compile(rf"^\s*{patients} medical records?\s*$"))).to_be_visible()
    assert "gender=F" in asked.url


@pytest.mark.parametrize("name", ["without-tracker"])
def test_a_patient_without_a_tracker_leads_to_the_record(asked: Page) -> None:
    with asked.expect_navigation():
        asked.locator(f"{TABLE} tbody a").first.click()
    expect(asked.get_by_role("heading", level=1)).to_contain_text("Grace Hopper")
