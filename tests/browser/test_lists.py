"""Lists: the page scrolls under a head that stays, rows open with a click, and filters fit every width."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support import factories
from tests.support.browser_pages import SignInAs, assert_accessible, visit

LIST = "/admin/patients/medicalrecord/"
SETTINGS = "/sign-in/lists/patients.medicalrecord/"
WIDTHS = (320, 768, 1024, 1400)


@pytest.fixture
def records_page(page: Page, sign_in_as: SignInAs) -> Page:
    """Return the list of fifty records."""
    for number in range(50):
        factories.medical_record(f"P{number:02}", medical_conditions="Asthma, Diabetes, Obesity", tracker="Band 2")
    sign_in_as("patients.view_medicalrecord")
    visit(page, LIST)
    return page


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_scrolls_and_the_head_of_the_table_stays_in_sight(records_page: Page, width: int) -> None:
    records_page.set_viewport_size({"width": width, "height": 700})
    records_page.get_by_role("link", name="P30", exact=True).scroll_into_view_if_needed()
    records_page.mouse.wheel(0, 300)
    expect(records_page.get_by_role("columnheader", name="Name")).to_be_in_viewport()
    assert records_page.evaluate("scrollY") > 0
    assert records_page.evaluate("document.querySelector('.results').scrollTop") == 0
    assert records_page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_click_anywhere_in_a_row_opens_it(records_page: Page) -> None:
    records_page.get_by_role("row").filter(has_text="P03").get_by_text("Asthma, Diabetes").click()
    expect(records_page).to_have_url(re.compile(f"{LIST}P03/change/"))


def test_selecting_text_in_a_row_does_not_open_it(records_page: Page) -> None:
    cell = records_page.get_by_role("row").filter(has_text="P03").get_by_text("Asthma, Diabetes")
    place = cell.bounding_box() or {"x": 0, "y": 0, "width": 0, "height": 0}
    records_page.mouse.move(place["x"] + 12, place["y"] + 15)
    records_page.mouse.down()
    records_page.mouse.move(place["x"] + 70, place["y"] + 15)
    records_page.mouse.up()
    assert records_page.evaluate("String(getSelection())") in "Asthma, Diabetes, Obesity"
    expect(records_page).to_have_url(re.compile(f"{LIST}$"))


def test_filters_are_beside_the_list_or_in_a_drawer(records_page: Page) -> None:
    filters = records_page.get_by_role("navigation", name="Filters")
    drawer = records_page.locator("#changelist-filter > summary")
    visit(records_page, f"{LIST}?condition=Asthma&gender=F")
    expect(drawer).to_be_hidden()
    expect(filters.get_by_text("Clear all filters")).to_be_visible()
    records_page.set_viewport_size({"width": 400, "height": 800})
    expect(filters.get_by_text("Clear all filters")).to_be_hidden()
    expect(drawer).to_contain_text("2 active")
    drawer.focus()
    records_page.keyboard.press("Enter")
    expect(filters.get_by_text("Clear all filters")).to_be_visible()
    assert_accessible(records_page)


def test_columns_are_chosen_with_the_keyboard_alone(records_page: Page) -> None:
    records_page.get_by_role("link", name="Columns").press("Enter")
    records_page.get_by_role("button", name="Down Patient number").press("Enter")
    expect(records_page.locator("tbody tr").first).to_contain_text("Name")
    records_page.get_by_label("Age", exact=True).press("Space")
    records_page.get_by_role("button", name="Save").press("Enter")
    heads = records_page.locator("#result_list thead th")
    expect(heads).to_have_text(
        [
            *("Name", "Patient number", "Date of birth", "Gender", "Conditions", "Medication", "Reported tracker"),
            *("Linked trackers", "Last appointment"),
        ]
    )
