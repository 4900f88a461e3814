"""What a person decides on the preview of an import: about rows of another person, and about a stale preview."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from patients.models import MedicalRecord
from tests.support.browser_pages import SignInAs
from tests.support.import_browser import assert_fine, await_visible, press, upload
from tests.support.import_files import RECORDS, Row, write_csv
from tests.support.workers import worker

pytestmark = pytest.mark.usefixtures("areas_dropped", "jobs_dropped")

ANOTHER: Row = {"name": "Eve King", "date_of_birth": "01/02/1970"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file that holds other people under the numbers of two of three patients."""
    RECORDS.run(write_csv(tmp_path / "first.csv", RECORDS.rows({}, {}, {})))
    return write_csv(tmp_path / "rows.csv", RECORDS.rows(ANOTHER, ANOTHER, {"allergies": "Pollen"}))


def names() -> list[str]:
    return list(MedicalRecord.objects.order_by("pk").values_list("name", flat=True))


def test_another_person_is_held_back_and_accepted_singly(page: Page, sign_in_as: SignInAs, path: Path) -> None:
    sign_in_as(*RECORDS.steward)
    with worker():
        upload(page, path)
        await_visible(page.get_by_role("button", name="Import 1 valid row (hold back 2)"))
        expect(page.get_by_text("2 rows with warnings are held back.")).to_be_visible()
        assert_fine(page)
        page.get_by_label("Select line 3").check()
        press(page, "Import selected rows")
        expect(page.get_by_label("Select line 3")).to_be_checked()
        expect(page.get_by_label("Select line 2")).not_to_be_checked()
        assert_fine(page)
        press(page, "Import 2 valid rows (hold back 1)")
        await_visible(page.get_by_text("1 row with warnings was held back."))
        assert_fine(page)
    assert names() == ["Ada Byron", "Eve King", "Ada Byron"]
    assert MedicalRecord.objects.get(pk="P3").allergies == "Pollen"


def test_a_stale_preview_shows_what_differs_and_waits_again(page: Page, sign_in_as: SignInAs, path: Path) -> None:
    sign_in_as(*RECORDS.steward)
    with worker():
        upload(page, path)
        await_visible(page.get_by_role("button", name="Import 1 valid row (hold back 2)"))
        MedicalRecord.objects.filter(pk="P3").update(name="Ada King")
        press(page, "Import 1 valid row (hold back 2)")
        await_visible(page.get_by_text("The data changed after you saw the preview: 1 row differs now."))
        expect(page.get_by_role("row", name="4 Changed P3")).to_contain_text("from Ada King to Ada Byron")
        assert MedicalRecord.objects.get(pk="P3").name == "Ada King"
        assert_fine(page)
        press(page, "Import 1 valid row (hold back 2)")
        await_visible(page.get_by_text("0 rows were added and 1 updated."))
    assert MedicalRecord.objects.get(pk="P3").allergies == "Pollen"
