"""What a person does in a browser with the pages of imports."""

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.support.browser_pages import assert_accessible, assert_fits_a_phone, visit
from tests.support.chromium import DESKTOP
from tests.support.import_files import RECORDS
from tests.support.workers import PATIENCE_SECONDS


def await_visible(shown: Locator) -> None:
    expect(shown.first).to_be_visible(timeout=PATIENCE_SECONDS * 1000)


def press(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()


def upload(page: Page, path: Path) -> None:
    visit(page, RECORDS.address("import"))
    page.get_by_label("Choose a file, or drop it here").set_input_files(path)
    press(page, "Check the file")


def assert_fine(page: Page) -> None:
    assert_accessible(page)
    assert_fits_a_phone(page)
    page.set_viewport_size(DESKTOP)


def drop_file(page: Page, area: Locator, path: Path) -> None:
    """Drag a file over the middle of the area and drop it there, as a person does from the desktop."""
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    browser = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
    browser.detach()
