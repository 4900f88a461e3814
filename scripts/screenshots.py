"""Start HealthTrack with sample data, and take the screenshots of README, or with `--all` of every page."""

import argparse
import csv
import io
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import django
from playwright.sync_api import FilePayload, Page, ViewportSize, sync_playwright

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
django.setup()

from patients.sample import HEADER  # noqa: E402  (after the settings are chosen)
from scripts.contact_sheets import take_every_page  # noqa: E402  (imports the settings)
from tests.support.chromium import launch  # noqa: E402  (imports the settings)
from tests.support.serving import free_port, started  # noqa: E402 (after the settings are chosen)

DOCS = Path(__file__).parent.parent / "docs"
SIZE = ViewportSize(width=1280, height=800)
ROWS = (
    ("1001", "Eugenia Lindqvist", "04/02/2012", "F", "Diabetes", "No", "None", "07/11/2025", "None"),
    *(
        (f"7{number:03}", f"New Patient {number}", "05/17/1980", "M", "Asthma", "Yes", "Pollen", "06/14/2024", "Halo 3")
        for number in range(1, 41)
    ),
    ("7041", "Priya Brown", "31/31/1980", "F", "Asthma", "No", "None", "06/14/2024", "Halo 3"),
    ("7042", "Ruth Martin", "05/17/1980", "F", "Asthma", "perhaps", "None", "06/14/2024", "Halo 3"),
)


def show_front_page(page: Page) -> None:
    page.goto("/")


def show_report(page: Page) -> None:
    page.goto("/reports/brands/")


def show_import(page: Page) -> None:
    rows = io.StringIO()
    csv.writer(rows).writerows((HEADER, *ROWS))
    file = FilePayload(name="clinic-records.csv", mimeType="text/csv", buffer=rows.getvalue().encode())
    page.goto("/admin/imports/importrun/upload/")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name=re.compile("^Import ")).first.wait_for()


def show_records(page: Page) -> None:
    page.goto("/admin/patients/medicalrecord/?condition=Asthma&linked=unmatched&gender=F&min_age=75")


def show_record(page: Page) -> None:
    page.goto("/admin/patients/medicalrecord/?linked=brands")
    page.locator("#result_list tbody th a").first.click()
    page.get_by_role("button", name="Save", exact=True).wait_for()


PICTURES: dict[str, Callable[[Page], None]] = {
    "home": show_front_page,
    "report": show_report,
    "import": show_import,
    "records": show_records,
    "record": show_record,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--all", action="store_true", help="every page at two widths, light and dark, on contact sheets"
    )
    parser.add_argument("--folder", type=Path, default=Path("var", "screenshots"), help="where --all writes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # if root runs this, PostgreSQL runs as another user
        environment = {**os.environ, "HEALTHTRACK_DATA_DIR": folder, "PORT": str(free_port())}
        environment.pop("DATABASE_URL", None)
        with started(environment, "--patients", "2000") as server:
            take_screenshots(
                f"http://127.0.0.1:{server.port}", server.value("password"), options.folder if options.all else None
            )


def take_screenshots(address: str, password: str, folder: Path | None) -> None:
    """Take the screenshots of README, or those of every page into the folder."""
    with sync_playwright() as playwright, launch(playwright) as browser:
        page = browser.new_page(base_url=address, viewport=SIZE, reduced_motion="reduce")
        sign_in(page, password)
        if folder:
            show_import(page)  # so that there is one to show
            take_every_page(page, browser, folder)
            return
        for name, show in PICTURES.items():
            page.set_viewport_size(SIZE)
            show(page)
            # As high as the page, so that what sticks to the edge of the window covers nothing.
            height: int = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size(ViewportSize(width=SIZE["width"], height=height))
            page.screenshot(path=DOCS / f"{name}.png")


def sign_in(page: Page, password: str) -> None:
    page.goto("/admin/login/")
    page.get_by_label("Username").fill("demo")
    page.get_by_label("Password").fill(password)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Skip", exact=True).click()  # the offer of the tour
    page.wait_for_load_state()


if __name__ == "__main__":
    main()
