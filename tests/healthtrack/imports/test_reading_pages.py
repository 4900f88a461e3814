"""The page "How this file is read": what it shows and asks, and what an answer changes."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit.models import Access
from healthtrack.imports.models import State
from patients.models import MedicalRecord
from tests.support.forms import form_to
from tests.support.import_files import CATALOGUE, RECORDS, write_csv, write_xlsx
from tests.support.import_pages import last_run, messages, press_import, run_jobs, upload
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

OTHER_HEADER = {"patient_id": "Nummer", "date_of_birth": "Date birth", "Tracker": "Gadget"}
AMBIGUOUS = {"date_of_birth": "03/04/1980", "last_appointment_date": "2024-06-14"}


def write_other_header(path: Path) -> Path:
    (row,) = RECORDS.rows({})
    return write_csv(path, [{OTHER_HEADER.get(name, name): value for name, value in row.items()} | {"Ward": "3"}])


def answer(client: Client, page: Any, **changes: str) -> Any:
    """Send the form of the page with changes, by the names of the parts with __ for the colon. Return the next page."""
    form = form_to(page, "answer")
    answers = {name.replace("__", ":"): value for name, value in changes.items()}
    sent = client.post(form.address, {**form.fields, **answers}, follow=True)
    run_jobs()
    return client.get(address("change")) if sent.redirect_chain else sent


def address(action: str) -> str:
    return f"/admin/imports/importrun/{last_run().pk}/{action}/"


def words(page: Any) -> str:
    return str(page.content.decode())


def write_code_page(path: Path) -> Path:
    return write_csv(path, RECORDS.rows({"name": "Zoë Muñoz"}), encoding="cp1252")


class TestQuestions:
    def test_a_file_that_shows_everything_is_checked_at_once(self, steward: Client, path: Path) -> None:
        page = upload(steward, RECORDS, write_csv(path, RECORDS.rows({})))
        assert last_run().state == State.CHECKED
        assert "Assumed" not in words(page)
        assert address("reading") in words(page)

    def test_ambiguous_dates_need_an_answer_and_show_an_example(self, steward: Client, path: Path) -> None:
        page = words(upload(steward, RECORDS, write_csv(path, RECORDS.rows(AMBIGUOUS))))
        assert last_run().state == State.QUESTIONS
        assert "1 value can be read in two ways, such as “03/04/1980”, and none shows which one is right." in page
        assert "Please choose" in page

    def test_the_answer_decides_for_the_column(self, steward: Client, path: Path) -> None:
        page = answer(
            steward, upload(steward, RECORDS, write_csv(path, RECORDS.rows(AMBIGUOUS))), date_order__date_of_birth="dmy"
        )
        assert last_run().answers == {"date_order:date_of_birth": "dmy"}
        press_import(steward, page)
        assert str(MedicalRecord.objects.get().date_of_birth) == "1980-04-03"

    def test_a_question_without_an_answer_stays(self, steward: Client, path: Path) -> None:
        page = answer(steward, upload(steward, RECORDS, write_csv(path, RECORDS.rows(AMBIGUOUS))))
        assert page.context["page"].questions.errors == {"date_order:date_of_birth": ["Choose one."]}
        assert last_run().state == State.QUESTIONS

    def test_unknown_columns_need_an_answer_and_similar_names_are_suggested(self, steward: Client, path: Path) -> None:
        page = upload(steward, RECORDS, write_other_header(path))
        fields = form_to(page, "answer").fields
        assert (fields["column:0"], fields["column:2"], fields["column:8"]) == ("-", "date_of_birth", "-")
        assert "The header is similar to its name." in words(page)

    def test_a_field_without_a_column_is_an_error(self, steward: Client, path: Path) -> None:
        page = answer(
            steward, upload(steward, RECORDS, write_other_header(path)), column__0="tracker", column__8="tracker"
        )
        assert page.context["page"].questions.non_field_errors() == [
            "No column has the field patient_id. Choose it for one column.",
            "2 columns have the field Tracker. Choose it for one column.",
        ]

    def test_columns_are_read_as_chosen(self, steward: Client, path: Path) -> None:
        page = upload(steward, RECORDS, write_other_header(path))
        page = answer(steward, page, column__0="patient_id", column__8="tracker")
        assert last_run().state == State.CHECKED
        press_import(steward, page)
        record = MedicalRecord.objects.get()
        assert (record.patient_id, record.tracker, str(record.date_of_birth)) == ("P1", "Band 2", "1980-05-17")

    def test_the_first_rows_are_shown_as_they_are_and_as_understood(self, steward: Client, path: Path) -> None:
        row = {"date_of_birth": "05/17/1980", "last_appointment_date": "02/03/2024", "name": "Ada\u200b Byron"}
        upload(steward, RECORDS, write_csv(path, [*RECORDS.rows(row, row)]))
        page = words(steward.get(address("reading")))
        for text in ("05/17/1980", "17 May 1980", "3 February 2024", "Ada[U+200B] Byron", ">Ada Byron<"):
            assert text in page


class TestAssumptions:
    def test_they_are_listed_above_the_preview(self, steward: Client, path: Path) -> None:
        page = words(upload(steward, RECORDS, write_code_page(path)))
        assert "Assumed: please check" in page
        assert "Encoding: Windows-1252 (Western Europe). The file is not valid UTF-8." in page
        assert "Read in this encoding, it contains “Zoë”." in page
        assert page.index("Assumed") < page.index("New rows")

    def test_a_change_checks_the_file_again(self, steward: Client, path: Path) -> None:
        upload(steward, RECORDS, write_code_page(path))
        page = answer(steward, steward.get(address("reading")), encoding="cp1251")
        assert last_run().answers == {"encoding": "cp1251"}
        assert "Assumed" not in words(page)
        press_import(steward, page)
        assert MedicalRecord.objects.get().name == "Zo\u043b Mu\u0441oz"

    def test_another_header_row_finds_the_columns_again(self, steward: Client, path: Path) -> None:
        write_csv(
            path, [dict.fromkeys(RECORDS.row, "x"), dict(zip(RECORDS.row, RECORDS.row, strict=True)), *RECORDS.rows({})]
        )
        upload(steward, RECORDS, path)
        answer(steward, steward.get(address("reading")), header_row="3")
        run = last_run()
        assert (run.state, run.read_count, run.error_count, run.answers) == (State.CHECKED, 1, 0, {"header_row": "3"})

    def test_the_sheet_is_shown(self, steward: Client, tmp_path: Path) -> None:
        upload(steward, RECORDS, write_xlsx(tmp_path / "rows.xlsx", RECORDS.rows({})))
        assert '<option value="Rows" selected>Rows</option>' in words(steward.get(address("reading")))


class TestWhoAndWhen:
    def test_the_patients_of_the_first_rows_are_in_the_access_log(self, steward: Client, path: Path) -> None:
        upload(steward, RECORDS, write_csv(path, RECORDS.rows(AMBIGUOUS)))
        access = Access.objects.latest("access_id")
        assert (access.run_id, access.patient_ids, access.filters) == (last_run().pk, ["P1"], ["first rows"])
        answer(steward, steward.get(address("change")), date_order__date_of_birth="dmy")
        steward.get(address("reading"))
        access = Access.objects.latest("access_id")
        assert (access.page, access.patient_ids) == ("admin:imports_importrun_reading", ["P1"])

    def test_its_queries_do_not_depend_on_the_file(
        self, steward: Client, path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        upload(steward, RECORDS, write_csv(path, RECORDS.rows(*[{}] * 200)))
        with django_assert_max_num_queries(12):
            steward.get(address("reading"))

    def test_the_page_needs_the_right_to_import(self, sign_in: SignIn, steward: Client, path: Path) -> None:
        upload(steward, RECORDS, write_csv(path, RECORDS.rows({})))
        view, imports = RECORDS.steward
        assert_page_needs(sign_in, address("reading"), view, imports, others=[view, "imports.view_importrun"])

    def test_a_run_that_has_ended_has_no_such_page(self, steward: Client, path: Path) -> None:
        press_import(steward, upload(steward, RECORDS, write_csv(path, RECORDS.rows({}))))
        assert steward.get(address("reading")).status_code == 404
        late = steward.post(address("answer"), {"encoding": "cp1251"}, follow=True)
        assert messages(late) == ["This import no longer needs answers. Check its status."]

    def test_a_run_that_has_ended_stores_no_values_of_its_file(self, steward: Client, path: Path) -> None:
        press_import(steward, upload(steward, RECORDS, write_code_page(path)))
        stored = json.dumps(last_run().plan)
        assert "Zo" not in stored
        assert "1980" not in stored
        assert "Read in this encoding, it contains “…”." in words(steward.get(address("change")))


class TestFilesOfAnotherType:
    def test_the_page_names_the_type_and_links_to_its_upload(self, sign_in: SignIn, path: Path) -> None:
        client = sign_in(*RECORDS.steward, *CATALOGUE.steward)
        page = words(upload(client, CATALOGUE, write_csv(path, RECORDS.rows({}), delimiter=";")))
        assert last_run().state == State.REFUSED
        assert "This looks like medical records." in page
        assert f'href="/admin/imports/importrun/upload/{RECORDS.importer}/"' in page

    def test_people_who_may_not_import_that_type_get_no_link(self, sign_in: SignIn, path: Path) -> None:
        page = words(upload(sign_in(*CATALOGUE.steward), CATALOGUE, write_csv(path, RECORDS.rows({}))))
        assert "This looks like" not in page

    def test_a_file_of_no_type_names_what_it_has(self, steward: Client, path: Path) -> None:
        page = words(upload(steward, RECORDS, write_csv(path, [{"Ward": "3", "Floor": "2"}])))
        assert "No column has an expected name." in page
        assert "Ward, Floor" in page
        assert "This looks like" not in page

    def test_a_nul_in_the_header_is_shown_as_its_code_point(self, steward: Client, path: Path) -> None:
        upload(steward, RECORDS, write_csv(path, [{**row, "Ward\n\0": "3"} for row in RECORDS.rows({})]))
        assert last_run().state == State.CHECKED
        assert "[U+0000]" in words(steward.get(address("reading")))
