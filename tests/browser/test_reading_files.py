"""Files that do not show how they are read: what a person answers in a browser, and what the next file needs."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from healthtrack.imports.models import ReadingProfile
from patients.models import MedicalRecord
from tests.support.browser_pages import SignInAs
from tests.support.import_browser import assert_fine, await_visible, press, upload
from tests.support.import_files import RECORDS, write_csv
from tests.support.workers import worker

pytestmark = pytest.mark.usefixtures("areas_dropped", "jobs_dropped")

GERMAN = {"date_of_birth": "17.05.1980", "last_appointment_date": "14.06.2024", "name": "Jürgen Größe"}
OTHER_NAMES = {"patient_id": "Nummer", "date_of_birth": "Geburtstag"}
AMBIGUOUS = {"date_of_birth": "03/04/1980", "last_appointment_date": ""}


def write_other_names(path: Path, **changes: str) -> Path:
    (row,) = RECORDS.rows({**AMBIGUOUS, **changes})
    return write_csv(path, [{OTHER_NAMES.get(name, name): value for name, value in row.items()}])


def test_a_german_excel_file_is_imported_without_a_question(page: Page, sign_in_as: SignInAs, tmp_path: Path) -> None:
    sign_in_as(*RECORDS.steward)
    with worker():
        upload(
            page,
            write_csv(
                tmp_path / "rows.csv", RECORDS.rows(GERMAN, {**GERMAN, "date_of_birth": "03.04.1975"}), ";", "cp1252"
            ),
        )
        await_visible(page.get_by_text("Assumed: please check"))
        expect(page.get_by_text("Read in this encoding, it contains “Jürgen”.")).to_be_visible()
        assert_fine(page)
        press(page, "Import this file")
        await_visible(page.get_by_text("2 rows were added and 0 updated."))
    assert [str(born) for born in MedicalRecord.objects.order_by("pk").values_list("date_of_birth", flat=True)] == [
        "1980-05-17",
        "1975-04-03",
    ]


def test_an_unknown_header_is_mapped_remembered_and_confirmed(page: Page, sign_in_as: SignInAs, tmp_path: Path) -> None:
    sign_in_as(*RECORDS.steward)
    with worker():
        upload(page, write_other_names(tmp_path / "rows.csv"))
        await_visible(page.get_by_role("heading", name="How this file is read"))
        assert_fine(page)
        page.get_by_label("Field of the column Nummer").select_option("patient_id")
        page.get_by_label("Field of the column Geburtstag").select_option("date_of_birth")
        page.get_by_label("Save these answers as a profile named").fill("Clinic 7")
        press(page, "Check the file")
        await_visible(page.get_by_label("Order of the dates in Geburtstag"))
        page.get_by_label("Order of the dates in Geburtstag").select_option("dmy")
        page.get_by_label("Save these answers as a profile named").fill("Clinic 7")
        press(page, "Check the file")
        await_visible(page.get_by_role("button", name="Import this file"))
        assert ReadingProfile.objects.get().name == "Clinic 7"
        upload(page, write_other_names(tmp_path / "next.csv", date_of_birth="05/06/1990"))
        await_visible(page.get_by_text("Profile: Clinic 7."))
        assert_fine(page)
        press(page, "Import this file")
        await_visible(page.get_by_text("1 row was added and 0 updated."))
    assert str(MedicalRecord.objects.get().date_of_birth) == "1990-06-05"
