"""Merged cells, hidden rows and hidden columns of a workbook: what becomes of them is a part of the reading plan."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from healthtrack.imports.models import ReadingProfile, State
from healthtrack.imports.profiles import save_profile
from healthtrack.imports.reading import sheet
from patients.models import MedicalRecord
from tests.support.finished_imports import Imported, import_file
from tests.support.forms import form_to
from tests.support.import_files import RECORDS, write_parts
from tests.support.import_pages import last_run, press_import, run_jobs, upload
from tests.support.page import Page
from tests.support.workbooks import MAIN, minimal_workbook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

REPEATED = "Merged cells: Repeat in each row. 2 cells of the sheet are merged over several rows."
IMPORTED = "Hidden rows: Import them. The sheet hides 1 row, such as by a filter."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.xlsx"


@pytest.fixture
def book() -> Workbook:
    """Return a workbook with four records."""
    book = Workbook()
    table = sheet_of(book)
    table.append(list(RECORDS.row))
    for row in RECORDS.rows(*[{}] * 4):
        table.append([str(value) for value in row.values()])
    return book


def sheet_of(book: Workbook) -> Worksheet:
    return book.worksheets[0]


def merge(book: Workbook, *values: tuple[str, str]) -> None:
    for area, value in values:
        sheet_of(book).merge_cells(area)
        sheet_of(book)[area.partition(":")[0]] = value


def run(book: Workbook, path: Path, answers: Mapping[str, str] | None = None) -> Imported:
    book.save(path)
    return import_file(RECORDS.importer, path, answers=answers)


def stored(field: str) -> dict[str, object]:
    return dict(MedicalRecord.objects.values_list("pk", field))


class TestMergedCells:
    def test_their_value_is_repeated_and_said(self, book: Workbook, path: Path) -> None:
        merge(book, ("E2:E4", "Gout"), ("I4:I5", "Band 7"))
        assert run(book, path).assumptions == [REPEATED]
        assert stored("medical_conditions") == {"P1": "Gout", "P2": "Gout", "P3": "Gout", "P4": "Asthma"}
        assert stored("tracker") == {"P1": "Band 2", "P2": "Band 2", "P3": "Band 7", "P4": "Band 7"}

    def test_rows_below_the_first_are_empty_if_somebody_says_so(self, book: Workbook, path: Path) -> None:
        merge(book, ("E2:E4", "Gout"))
        assert run(book, path, {"merged_cells": "empty"}).assumptions == []
        assert stored("medical_conditions") == {"P1": "Gout", "P2": "", "P3": "", "P4": "Asthma"}

    def test_a_required_value_that_is_then_missing_is_an_error(self, book: Workbook, path: Path) -> None:
        merge(book, ("B2:B3", "Ada Byron"))
        (error,) = run(book, path, {"merged_cells": "empty"}).errors
        assert str(error) == "Line 3, name: A value is required. Fill it in."

    def test_two_rows_with_one_patient_number_are_errors_and_not_two_patients(self, book: Workbook, path: Path) -> None:
        merge(book, ("A2:A3", "P1"))
        sheet_of(book)["B3"] = "Grace Hopper"
        assert "P1" in str(run(book, path).errors[0])
        assert stored("name") == {}

    def test_blank_rows_are_not_filled(self, book: Workbook, path: Path) -> None:
        merge(book, ("E5:E9", "Gout"))
        assert run(book, path).errors == []
        assert len(stored("name")) == 4

    def test_a_merged_title_is_nothing_to_decide(self, book: Workbook, path: Path) -> None:
        sheet_of(book).insert_rows(1, 2)
        merge(book, ("A1:I2", "Patients of ward 3"))
        assert run(book, path).assumptions == []
        assert stored("medical_conditions") == dict.fromkeys(["P1", "P2", "P3", "P4"], "Asthma")

    def test_names_of_columns_may_be_merged_over_two_rows(self, book: Workbook, path: Path) -> None:
        sheet_of(book).insert_rows(1)
        for column in "CDEFGHI":
            name = str(sheet_of(book)[f"{column}2"].value)
            merge(book, (f"{column}1:{column}2", name))
        merge(book, ("A1:B1", "Patient"))
        finished = run(book, path)
        assert (finished.questions, finished.assumptions, finished.errors) == ([], [], [])
        assert stored("tracker") == dict.fromkeys(["P1", "P2", "P3", "P4"], "Band 2")

    def test_a_name_of_a_column_is_never_a_value(self, book: Workbook, path: Path) -> None:
        merge(book, ("E1:E3", "medical_conditions"))
        run(book, path)
        assert stored("medical_conditions") == {"P1": "", "P2": "", "P3": "Asthma", "P4": "Asthma"}

    def test_too_many_are_an_error(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sheet, "MAX_MERGED", 1)
        areas = '<mergeCells><mergeCell ref="A1:A2"/><mergeCell ref="B1:B2"/></mergeCells>'
        cell = '<sheetData><row><c t="inlineStr"><is><t>name</t></is></c></row></sheetData>'
        write_parts(path, minimal_workbook(f'<worksheet xmlns="{MAIN}">{cell}{areas}</worksheet>'))
        assert "too many merged cells" in str(RECORDS.run(path).errors[0])


class TestCellsMergedOverColumns:
    ASSUMED = "Cells merged over columns: Only in the first column. 1 cell of the sheet is merged over several columns."

    def test_their_value_belongs_to_the_first_and_this_is_said(self, book: Workbook, path: Path) -> None:
        merge(book, ("G3:I3", "None"))
        assert run(book, path).assumptions == [self.ASSUMED]
        assert stored("tracker") == {"P1": "Band 2", "P2": "", "P3": "Band 2", "P4": "Band 2"}

    def test_it_is_repeated_if_somebody_says_so(self, book: Workbook, path: Path) -> None:
        merge(book, ("E2:F3", "Yes"))
        assert run(book, path, {"merged_columns": "repeat", "merged_cells": "repeat"}).assumptions == []
        assert stored("medications") == {"P1": True, "P2": True, "P3": False, "P4": False}

    def test_an_option_of_the_command_decides(self, book: Workbook, path: Path) -> None:
        merge(book, ("E3:F3", "No"))
        book.save(path)
        with pytest.raises(CommandError):
            call_command(RECORDS.command, str(path))
        call_command(RECORDS.command, str(path), "--merged-columns", "repeat")
        assert stored("medications")["P2"] is False

    def test_a_layout_of_names_and_values_over_the_same_columns_is_nothing_to_decide(
        self, book: Workbook, path: Path
    ) -> None:
        sheet_of(book).insert_cols(2)
        for row in range(1, 6):
            sheet_of(book).merge_cells(f"A{row}:B{row}")
        finished = run(book, path)
        assert (finished.questions, finished.assumptions, finished.errors) == ([], [], [])
        assert set(stored("name")) == {"P1", "P2", "P3", "P4"}

    def test_a_name_over_several_filled_columns_is_a_question(
        self, steward: Client, book: Workbook, path: Path
    ) -> None:
        sheet_of(book).insert_cols(3)
        for row in range(2, 6):
            sheet_of(book).cell(row, 3, "Byron")
        merge(book, ("B1:C1", "name"))
        book.save(path)
        page = upload(steward, RECORDS, path)
        assert last_run().state == State.QUESTIONS
        assert "in a cell that is merged over other columns too. Only the first is read." in Page.of(page).text
        form = form_to(page, "answer")
        steward.post(form.address, form.fields)
        run_jobs()
        assert last_run().state == State.CHECKED


class TestHiddenColumns:
    HIDDEN = "Field of the column {0}: {0}. The header has its name, but the sheet hides this column."

    def test_they_are_imported_and_this_is_said(self, book: Workbook, path: Path) -> None:
        sheet_of(book).column_dimensions.group("E", "G", hidden=True)
        names = ["medical_conditions", "medications", "allergies"]
        assert run(book, path).assumptions == [self.HIDDEN.format(name) for name in names]
        assert set(stored("medical_conditions").values()) == {"Asthma"}

    def test_they_are_found_in_a_table_that_begins_further_right(self, book: Workbook, path: Path) -> None:
        sheet_of(book).insert_cols(1, 2)
        sheet_of(book).column_dimensions["B"].hidden = True
        sheet_of(book).column_dimensions["G"].hidden = True
        assert run(book, path).assumptions == [self.HIDDEN.format("medical_conditions")]

    def test_columns_that_are_not_imported_need_no_words(self, book: Workbook, path: Path) -> None:
        sheet_of(book)["J1"] = "ward"
        sheet_of(book).column_dimensions["J"].hidden = True
        assert run(book, path).assumptions == []

    def test_another_column_can_be_chosen_above_the_preview(self, steward: Client, book: Workbook, path: Path) -> None:
        sheet_of(book)["J1"] = "current conditions"
        for row in range(2, 6):
            sheet_of(book).cell(row, 10, "Gout")
        sheet_of(book).column_dimensions["E"].hidden = True
        book.save(path)
        form = form_to(upload(steward, RECORDS, path), "answer")
        steward.post(form.address, {**form.fields, "column:4": "-", "column:9": "medical_conditions"})
        run_jobs()
        press_import(steward, steward.get(f"/admin/imports/importrun/{last_run().pk}/change/"))
        assert set(stored("medical_conditions").values()) == {"Gout"}


class TestHiddenRows:
    @pytest.fixture(autouse=True)
    def filtered(self, book: Workbook) -> None:
        sheet_of(book).auto_filter.ref = "A1:I5"
        sheet_of(book).row_dimensions[3].hidden = True
        sheet_of(book).row_dimensions[90].hidden = True  # it is empty

    def test_they_are_imported_and_counted(self, book: Workbook, path: Path) -> None:
        assert run(book, path).assumptions == [IMPORTED]
        assert set(stored("name")) == {"P1", "P2", "P3", "P4"}

    def test_they_are_left_out_if_somebody_says_so(self, book: Workbook, path: Path) -> None:
        finished = run(book, path, {"hidden_rows": "leave_out"})
        assert finished.assumptions == []
        assert set(stored("name")) == {"P1", "P3", "P4"}

    def test_their_merged_cells_count_also_if_they_are_left_out(self, book: Workbook, path: Path) -> None:
        merge(book, ("E3:E4", "Gout"))
        run(book, path, {"hidden_rows": "leave_out"})
        assert stored("medical_conditions") == {"P1": "Asthma", "P3": "Gout", "P4": "Asthma"}

    def test_the_preview_says_it_and_lets_people_change_it(self, steward: Client, book: Workbook, path: Path) -> None:
        book.save(path)
        page = upload(steward, RECORDS, path)
        assert "The sheet hides 1 row, such as by a filter." in Page.of(page).text
        address = f"/admin/imports/importrun/{last_run().pk}/change/?tab=reading"
        form = form_to(steward.get(address), "answer")
        steward.post(form.address, {**form.fields, "hidden_rows": "leave_out", "profile_name": "Clinic 7"})
        run_jobs()
        assert last_run().state == State.CHECKED
        press_import(steward, steward.get(f"/admin/imports/importrun/{last_run().pk}/change/"))
        assert set(stored("name")) == {"P1", "P3", "P4"}
        assert ReadingProfile.objects.get().answers["hidden_rows"] == "leave_out"

    def test_a_profile_remembers_it(self, book: Workbook, path: Path) -> None:
        save_profile(RECORDS.importer, "Clinic 7", list(RECORDS.row), {"hidden_rows": "leave_out"}, None)
        assumptions = run(book, path).assumptions
        assert "Hidden rows: Leave them out. Remembered in the profile “Clinic 7”." in assumptions
        assert set(stored("name")) == {"P1", "P3", "P4"}

    def test_an_option_of_the_command_decides(self, book: Workbook, path: Path) -> None:
        book.save(path)
        with pytest.raises(CommandError, match="--hidden-rows must be import or leave_out"):
            call_command(RECORDS.command, str(path), "--hidden-rows", "no")
        call_command(RECORDS.command, str(path), "--hidden-rows", "leave_out")
        assert set(stored("name")) == {"P1", "P3", "P4"}
