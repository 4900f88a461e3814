"""Profiles: answers that are remembered for files with the same header, and never believed against the values."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from openpyxl import Workbook
from pytest_django import DjangoAssertNumQueries

from healthtrack.imports.models import ReadingProfile, State
from healthtrack.imports.profiles import save_profile
from patients.models import MedicalRecord
from tests.support.forms import form_to, form_with
from tests.support.import_files import CATALOGUE, RECORDS, write_csv
from tests.support.import_pages import last_run, press_import, run_jobs, upload
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

LIST = "/admin/imports/readingprofile/"
HEADER = {"patient_id": "Nummer", "name": "Full name"}
DAY_FIRST = {"column:0": "patient_id", "date_order:date_of_birth": "dmy"}


def write(path: Path, born: str = "03/04/1980") -> Path:
    (row,) = RECORDS.rows({"date_of_birth": born, "last_appointment_date": "2024-06-14"})
    return write_csv(path, [{HEADER.get(name, name): value for name, value in row.items()}])


def store(name: str = "Clinic 7", **changes: str) -> ReadingProfile:
    headers = [HEADER.get(name, name) for name in RECORDS.row]
    save_profile(RECORDS.importer, name, headers, {**DAY_FIRST, **changes}, None)
    return ReadingProfile.objects.get(name=name)


def page_of_run(client: Client) -> str:
    return str(client.get(f"/admin/imports/importrun/{last_run().pk}/change/").content.decode())


class TestUse:
    def test_answers_are_saved_under_a_name_and_assumed_for_the_next_file(self, steward: Client, path: Path) -> None:
        form = form_to(upload(steward, RECORDS, write(path)), "answer")
        steward.post(form.address, {**form.fields, **DAY_FIRST, "profile_name": "Clinic 7"})
        run_jobs()
        assert ReadingProfile.objects.get().answers == DAY_FIRST
        upload(steward, RECORDS, write(path, "05/06/1990"))
        page = page_of_run(steward)
        assert last_run().state == State.CHECKED
        assert "Profile: Clinic 7. It was saved for a file with the same header." in page
        assert "Order of the dates in date_of_birth: Day first" in page
        assert "Remembered in the profile “Clinic 7”." in page
        press_import(steward, steward.get(f"/admin/imports/importrun/{last_run().pk}/change/"))
        assert str(MedicalRecord.objects.get().date_of_birth) == "1990-06-05"

    def test_values_that_contradict_it_are_not_read_by_it(self, steward: Client, path: Path) -> None:
        store()
        rows = [{HEADER.get(name, name): value for name, value in row.items()} for row in RECORDS.rows({}, {})]
        upload(steward, RECORDS, write_csv(path, rows))
        page = page_of_run(steward)
        assert last_run().state == State.CHECKED
        said = "The profile “Clinic 7” says day first, but 2 values can only be month first, such as “05/17/1980”."
        assert f"Order of the dates in date_of_birth: Month first, such as 05/17/1980. {said}" in page
        assert "17 May 1980" in page

    def test_values_that_do_not_contradict_it_say_nothing(self, steward: Client, path: Path) -> None:
        store(**{"date_order:date_of_birth": "mdy"})
        upload(steward, RECORDS, write(path, "05/17/1980"))
        assert "Order of the dates" not in page_of_run(steward)

    def test_values_of_both_orders_need_an_answer(self, steward: Client, path: Path) -> None:
        store()
        births = ("05/17/1980", "17/05/1980", "03/04/1980")
        rows = [
            {HEADER.get(name, name): value for name, value in row.items()}
            for row in RECORDS.rows(*({"date_of_birth": born} for born in births))
        ]
        upload(steward, RECORDS, write_csv(path, rows))
        assert last_run().state == State.QUESTIONS

    def test_of_several_a_person_chooses_by_name(self, steward: Client, path: Path) -> None:
        store()
        store("Clinic 8", **{"date_order:date_of_birth": "mdy"})
        page = upload(steward, RECORDS, write(path))
        form = form_to(page, "answer")
        assert form.fields["profile"] == ""
        assert "Several profiles were saved for files with the same header." in page.content.decode()
        steward.post(form.address, {**form.fields, **DAY_FIRST, "profile": "Clinic 8"})
        run_jobs()
        press_import(steward, steward.get(f"/admin/imports/importrun/{last_run().pk}/change/"))
        assert str(MedicalRecord.objects.get().date_of_birth) == "1980-03-04"

    def test_another_spelling_of_the_header_is_the_same(self, steward: Client, path: Path) -> None:
        store()
        write(path).write_text(path.read_text("utf-8-sig").replace("Full name", "FULL-NAME"))
        upload(steward, RECORDS, path)
        assert last_run().state == State.CHECKED

    def test_a_command_takes_it_by_name(self, path: Path) -> None:
        store()
        store("Clinic 8", **{"date_order:date_of_birth": "mdy"})
        call_command(RECORDS.command, write(path), "--profile=Clinic 7", stdout=StringIO(), stderr=StringIO())
        assert str(MedicalRecord.objects.get().date_of_birth) == "1980-04-03"

    def test_a_command_needs_one_that_exists(self, path: Path) -> None:
        with pytest.raises(CommandError, match="There is no profile “Clinic 9” for these files"):
            call_command(RECORDS.command, write(path), "--profile=Clinic 9", stdout=StringIO())


class TestStructure:
    """Where the table is in a file: encoding, delimiter, sheet and header row."""

    NAME = "José"

    def write_encoded(self, path: Path, encoding: str = "cp850") -> Path:
        rows = RECORDS.rows({"name": self.NAME, "date_of_birth": "17.05.1980"})
        return write_csv(path, rows, encoding=encoding)

    def save(self, steward: Client, page: Any, **chosen: str) -> None:
        """Choose parts of the structure, and then save a profile."""
        form = form_to(page, "answer")
        steward.post(form.address, {**form.fields, **chosen})
        run_jobs()
        reading = steward.get(f"/admin/imports/importrun/{last_run().pk}/reading/")
        form = form_to(reading, "answer")
        steward.post(form.address, {**form.fields, "profile_name": "Clinic 7"})
        run_jobs()

    def reading(self, steward: Client) -> Any:
        return steward.get(f"/admin/imports/importrun/{last_run().pk}/reading/")

    def test_the_encoding_is_remembered(self, steward: Client, path: Path) -> None:
        upload(steward, RECORDS, self.write_encoded(path))
        self.save(steward, self.reading(steward), encoding="cp1253")
        assert ReadingProfile.objects.get().answers == {"encoding": "cp1253"}
        page = Page.of(upload(steward, RECORDS, self.write_encoded(path)))
        assert "Encoding: Windows-1253 (Greek). Remembered in the profile “Clinic 7”." in page.text

    def test_a_valid_utf_8_file_contradicts_a_remembered_code_page(self, steward: Client, path: Path) -> None:
        upload(steward, RECORDS, self.write_encoded(path))
        self.save(steward, self.reading(steward), encoding="cp850")
        page = Page.of(upload(steward, RECORDS, self.write_encoded(path, "utf-8")))
        assert "Encoding: " not in page.text
        press_import(steward, steward.get(f"/admin/imports/importrun/{last_run().pk}/change/"))
        assert MedicalRecord.objects.get().name == self.NAME

    def write_book(self, path: Path, *sheets: str) -> Path:
        book = Workbook()
        book.remove(book.worksheets[0])
        for sheet in sheets:
            (row,) = RECORDS.rows({"name": sheet})
            book.create_sheet(sheet).append(list(row))
            book[sheet].append(list(row.values()))
        book.save(path)
        return path

    def test_the_sheet_is_remembered_unless_the_file_lacks_it(self, steward: Client, tmp_path: Path) -> None:
        path = tmp_path / "rows.xlsx"
        upload(steward, RECORDS, self.write_book(path, "Old", "New"))
        self.save(steward, self.reading(steward), sheet="New")
        page = Page.of(upload(steward, RECORDS, self.write_book(path, "Old", "New")))
        assert "Sheet: New. Remembered in the profile “Clinic 7”." in page.text
        page = Page.of(upload(steward, RECORDS, self.write_book(path, "Old", "Newer")))
        assert "Sheet: Old. It is the first of the sheets with these columns." in page.text

    def test_a_remembered_header_row_with_another_header_is_not_used(self, steward: Client, path: Path) -> None:
        store()
        profile = ReadingProfile.objects.get()
        profile.answers |= {"header_row": "2", "delimiter": ";"}
        profile.save()
        upload(steward, RECORDS, write(path, "05/17/1980"))
        assert last_run().state == State.CHECKED
        parts = {part["name"]: part["value"] for part in (last_run().plan or {})["parts"]}
        assert (str(parts["header_row"]), parts["delimiter"]) == ("1", ",")

    def test_they_are_fields_of_the_profile(self, steward: Client) -> None:
        address = f"{LIST}{store(encoding='cp850', sheet='New', duplicate_rows='last').pk}/change/"
        form = form_with(steward.get(address), "encoding")
        steward.post(address, {**form.fields, "sheet": ""})
        answers = ReadingProfile.objects.get().answers
        assert answers == {**DAY_FIRST, "encoding": "cp850", "duplicate_rows": "last"}


class TestPages:
    def test_they_need_the_right_to_import_this_type(self, sign_in: SignIn) -> None:
        profile = store()
        view, imports = RECORDS.steward
        assert_page_needs(sign_in, LIST, view, imports, others=[view, "imports.view_importrun"])
        assert sign_in(*RECORDS.steward).get(f"{LIST}{profile.pk}/change/").status_code == 200
        assert sign_in(*CATALOGUE.steward).get(f"{LIST}{profile.pk}/change/").status_code == 302
        assert "Clinic 7" not in sign_in(*CATALOGUE.steward).get(LIST).content.decode()

    def test_the_list_needs_few_queries(
        self, steward: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(30):
            store(f"Clinic {number}")
        with django_assert_max_num_queries(10):
            assert "Clinic 29" in steward.get(LIST).content.decode()

    def test_the_mapping_and_the_name_can_be_changed(self, steward: Client) -> None:
        address = f"{LIST}{store().pk}/change/"
        form = form_with(steward.get(address), "column:0")
        changed = {"name": "Clinic 70", "column:1": "-", "date_order:date_of_birth": "mdy"}
        assert steward.post(address, {**form.fields, **changed}).status_code == 302
        profile = ReadingProfile.objects.get()
        assert profile.name == "Clinic 70"
        assert profile.answers == {"column:0": "patient_id", "column:1": "-", "date_order:date_of_birth": "mdy"}

    def test_two_columns_cannot_have_one_field(self, steward: Client) -> None:
        address = f"{LIST}{store().pk}/change/"
        form = form_with(steward.get(address), "column:0")
        page = steward.post(address, {**form.fields, "column:1": "patient_id"})
        assert "Several columns have the field patient_id. Choose it for one column." in page.content.decode()

    def test_of_two_people_who_change_one_answer_the_second_chooses(self, steward: Client) -> None:
        address = f"{LIST}{store().pk}/change/"
        first, second = (form_with(steward.get(address), "name") for _ in range(2))
        part = "date_order:date_of_birth"
        steward.post(address, {**first.fields, part: "mdy", "name": "Clinic 8"})
        answer = steward.post(address, {**second.fields, part: ""})
        choices = Page.of(answer).texts(".conflicts label")
        assert choices[0].startswith("Month first, such as 05/17/1980 saved by staff")
        assert choices[1] == "As the file shows it entered by you"
        steward.post(address, {**form_with(answer, "name").fields, f"choice-{part}": "mine"})
        profile = ReadingProfile.objects.get()
        assert (profile.name, part in profile.answers) == ("Clinic 8", False)

    def test_a_profile_that_was_saved_for_another_header_is_opened_again(self, steward: Client) -> None:
        address = f"{LIST}{store().pk}/change/"
        form = form_with(steward.get(address), "name")
        save_profile(RECORDS.importer, "Clinic 7", ["Number"], {"column:0": "patient_id"}, None)
        answer = steward.post(address, {**form.fields, "name": "Clinic 8"})
        assert "Somebody saved this profile for files with another header meanwhile." in Page.of(answer).text
        assert ReadingProfile.objects.get().name == "Clinic 7"

    def test_it_is_deleted_after_a_confirmation(self, steward: Client) -> None:
        address = f"{LIST}{store().pk}/delete/"
        assert "Clinic 7" in steward.get(address).content.decode()
        assert ReadingProfile.objects.exists()
        steward.post(address, {"post": "yes"})
        assert not ReadingProfile.objects.exists()


class TestCorrections:
    def test_a_corrected_file_is_read_as_its_import_was(self, steward: Client, path: Path) -> None:
        row = {"date_of_birth": "03/04/1980", "last_appointment_date": ""}
        page = upload(steward, RECORDS, write_csv(path, RECORDS.rows(row, {**row, "gender": "X"})))
        form = form_to(page, "answer")
        steward.post(form.address, {**form.fields, "date_order:date_of_birth": "dmy"})
        run_jobs()
        run = last_run()
        report = steward.get(f"/admin/imports/importrun/{run.pk}/errors/").getvalue().decode("utf-8-sig")
        assert report.startswith(f"Errors in import {run.pk},patient_id,")
        path.write_text(report.replace(",X,", ",F,"))
        upload(steward, RECORDS, path)
        assert last_run().state == State.CHECKED
        assert "Assumed" not in page_of_run(steward)
        press_import(steward, steward.get(f"/admin/imports/importrun/{last_run().pk}/change/"))
        assert str(MedicalRecord.objects.get().date_of_birth) == "1980-04-03"
