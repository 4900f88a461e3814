"""Each report is filtered, followed from a figure to its patients, and downloaded."""

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
def report(page: Page, sign_in_as: SignInAs, name: str) -> Page:
    """Open the report and filter it by women."""
    sign_in_as(person=make_rows())
    visit(page, f"/reports/{name}/")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Gender", exact=True).select_option("Female")
    with page.expect_navigation():
        page.get_by_role("button", name="Show").click()
    return page


@pytest.mark.parametrize("name", REPORTS)
def test_filters_are_shown_above_the_report_and_in_the_address(report: Page) -> None:
    expect(report.locator(".active-filters")).to_contain_text("Gender: Female")
    assert "gender=F" in report.url
    assert_accessible(report)


@pytest.mark.parametrize("name", REPORTS)
def test_the_file_contains_the_rows_of_the_page(report: Page) -> None:
    with report.expect_download() as download:
        report.get_by_role("link", name="CSV").click()
    with Path(download.value.path()).open(newline="", encoding="utf-8-sig") as file:
        rows = [row[0] for row in csv.reader(file)]
    shown = report.locator(f"{TABLE} tbody tr")
    assert len(rows[1:]) == shown.count()
    assert rows[1] == shown.first.locator("th").inner_text()


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "without-tracker"])
def test_a_figure_links_to_the_same_number_of_patients(report: Page) -> None:
    link = report.locator(f"{TABLE} tbody .figure a").filter(has_text=re.compile("[1-9]")).first
    patients = link.inner_text()
    with report.expect_navigation():
        link.click()
    expect(report.get_by_text(re.compile(rf"^\s*{patients} medical records?\s*$"))).to_be_visible()
    assert "gender=F" in report.url


@pytest.mark.parametrize("name", ["without-tracker"])
def test_a_patient_without_a_tracker_links_to_the_record(report: Page) -> None:
    with report.expect_navigation():
        report.locator(f"{TABLE} tbody a").first.click()
    expect(report.get_by_role("heading", level=1)).to_contain_text("Grace Hopper")
