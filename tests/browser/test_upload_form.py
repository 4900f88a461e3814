"""The upload form in a browser: chosen by button or dropped, and by keyboard."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_pages import SignInAs, visit
from tests.support.import_files import RECORDS, write_csv

FIELD = "Choose a file, or drop it here"


@pytest.fixture
def form(page: Page, sign_in_as: SignInAs) -> Page:
    sign_in_as(*RECORDS.steward)
    visit(page, RECORDS.address("import"))
    return page


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "rows.csv", RECORDS.rows({}, {}))


def chosen(page: Page) -> list[str]:
    names: list[str] = page.get_by_label(FIELD).evaluate("field => Array.from(field.files, file => file.name)")
    return names


def drop(page: Page, file: Path, x: float, y: float) -> None:
    """As a hand drops it: the browser itself finds what lies under it."""
    session = page.context.new_cdp_session(page)
    carried = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": x, "y": y, "data": carried})


def test_a_file_may_be_dropped_anywhere_on_the_area(form: Page, file: Path) -> None:
    area = form.locator(".upload-area").bounding_box()
    assert area
    for across, down in ((0.02, 0.05), (0.98, 0.95), (0.5, 0.2), (0.3, 0.85)):
        form.get_by_label(FIELD).set_input_files([])
        drop(form, file, area["x"] + across * area["width"], area["y"] + down * area["height"])
        assert chosen(form) == ["rows.csv"]


def test_the_keyboard_reaches_the_field_visibly(form: Page) -> None:
    form.get_by_label(FIELD).focus()
    form.keyboard.press("Shift+Tab")
    form.keyboard.press("Tab")
    expect(form.get_by_label(FIELD)).to_be_focused()
    expect(form.get_by_label(FIELD)).to_have_css("outline-style", "solid")
