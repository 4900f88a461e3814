"""The order of dates: proved by the rows, stated by the header, or a question, for each separator of a column."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from healthtrack.imports.detection.reasons import describe_reason
from healthtrack.imports.detection.structure import SAMPLE_ROWS
from healthtrack.imports.models import State
from healthtrack.imports.reading_plans import ReadingPlan
from healthtrack.imports.tabular.error_report import generate_error_report
from patients.models import MedicalRecord
from tests.support.forms import form_to
from tests.support.import_files import RECORDS, Row, write_csv
from tests.support.import_pages import last_run, press_import, run_jobs, upload
from tests.support.page import Page
from tests.support.signing_in import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

BORN = "date_of_birth"
STATED = f"{BORN} (MM/DD/YYYY)"
UNAMBIGUOUS = {"last_appointment_date": "2024-06-14"}


def write(path: Path, *dates: str, header: str = BORN) -> Path:
    rows = RECORDS.rows(*({**UNAMBIGUOUS, BORN: date} for date in dates))
    return write_csv(path, [{header if name == BORN else name: value for name, value in row.items()} for row in rows])


def page_of_run(client: Client) -> Any:
    return client.get(f"/admin/imports/importrun/{last_run().pk}/change/")


def born() -> set[str]:
    return {str(day) for day in MedicalRecord.objects.values_list(BORN, flat=True)}


class TestASecondSeparator:
    """Dates with another separator may be of another source: what the others prove says nothing about them."""

    @pytest.mark.parametrize(("proof", "ambiguous"), [("17/05/1980", "03-04-1980"), ("05/17/1980", "03-04-1980")])
    @pytest.mark.parametrize("rows", [1, SAMPLE_ROWS + 10])
    def test_it_is_a_question_wherever_it_begins(
        self, steward: Client, path: Path, proof: str, ambiguous: str, rows: int
    ) -> None:
        header = f"{BORN}*"  # not exactly the documented one
        upload(steward, RECORDS, write(path, *[proof] * rows, ambiguous, header=header))
        assert last_run().state == State.QUESTIONS
        assert "1 value can be read in two ways, such as “03-04-1980”" in Page.of(page_of_run(steward)).text

    def test_the_documented_header_says_nothing_about_it(self, steward: Client, path: Path) -> None:
        upload(steward, RECORDS, write(path, "05/17/1980", "03-04-1980"))
        assert last_run().state == State.QUESTIONS

    @pytest.mark.parametrize("other", ["1980-04-03", "18-05-1980"])
    def test_it_is_none_if_the_values_show_their_order_too(self, steward: Client, path: Path, other: str) -> None:
        upload(steward, RECORDS, write(path, *["17/05/1980"] * (SAMPLE_ROWS + 10), other))
        press_import(steward, page_of_run(steward))
        assert born() == {"1980-05-17", "1980-04-03" if other.startswith("1980") else "1980-05-18"}


class TestCorrectedRows:
    """A file of corrected rows is read as the import was, whatever a correction of one of them proves."""

    def correct(self, path: Path, corrected: str) -> Any:
        run = RECORDS.run(write(path, "05/17/1980", "03/04/1980", "05/40/1980"))
        report = "".join(generate_error_report(run.run)).replace("05/40/1980", corrected)
        rows = list(csv.reader(StringIO(report.removeprefix("\ufeff"))))
        rows.append([rows[-1][0], "P9", *rows[-1][2:]])
        place = rows[0].index(BORN)
        rows[-1][place] = "03/04/1980"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        return RECORDS.run(path)

    def test_another_order_is_a_question(self, path: Path) -> None:
        run = self.correct(path, "17/05/1980")
        assert run.questions
        assert born() == set()
        assert "whose rows the file corrects, was read month first, but 1 value can only be day first" in describe(run)

    def test_the_same_order_is_none(self, path: Path) -> None:
        assert self.correct(path, "05/14/1980").questions == []
        assert born() == {"1980-05-14", "1980-03-04"}


def describe(run: Any) -> str:
    parts = ReadingPlan.from_json(run.run.plan).parts
    return " ".join(describe_reason(part.reason, part.params) for part in parts)


class TestTheHeader:
    @pytest.mark.parametrize(
        ("header", "day"),
        [
            (STATED, "1980-03-04"),
            ("DOB (DD/MM/YYYY)", "1980-04-03"),
            ("Date of birth (TT.MM.JJJJ)", "1980-04-03"),
            ("date_of_birth(mm-dd-yyyy)", "1980-03-04"),
        ],
    )
    def test_it_states_the_order_of_ambiguous_dates(self, steward: Client, path: Path, header: str, day: str) -> None:
        upload(steward, RECORDS, write(path, "03/04/1980", header=header))
        assert last_run().state == State.CHECKED
        press_import(steward, page_of_run(steward))
        assert born() == {day}

    def test_dates_that_contradict_it_are_a_question(self, steward: Client, path: Path) -> None:
        page = upload(steward, RECORDS, write(path, "03/04/1980", "17/05/1980", header=STATED))
        assert last_run().state == State.QUESTIONS
        text = "The header says otherwise, but 1 value can only be day first, such as “17/05/1980”."
        assert text in Page.of(page).text

    def test_dates_below_that_contradict_it_are_a_question(self, steward: Client, path: Path) -> None:
        dates = ["03/04/1980"] * (SAMPLE_ROWS + 10)
        upload(steward, RECORDS, write(path, *dates, "17/05/1980", header=STATED))
        assert last_run().state == State.QUESTIONS

    def test_other_words_in_parentheses_state_nothing(self, steward: Client, path: Path) -> None:
        upload(steward, RECORDS, write(path, "03/04/1980", header="date_of_birth (year)"))
        assert last_run().state == State.QUESTIONS

    def test_a_filled_template_leaves_no_question(self, steward: Client, path: Path) -> None:
        template = steward.get(f"{RECORDS.address('import')}template/?format=csv").content.decode("utf-8-sig")
        header, *_ = csv.reader(StringIO(template))
        assert STATED in header
        (row,) = RECORDS.rows({BORN: "03/04/1980", "last_appointment_date": "02/01/2024"})
        filled: Row = dict(zip(header, row.values(), strict=True))
        upload(steward, RECORDS, write_csv(path, [filled]))
        assert last_run().state == State.CHECKED
        press_import(steward, page_of_run(steward))
        assert born() == {"1980-03-04"}


class TestAssumptionsAboveThePreview:
    def test_they_are_changed_there(self, steward: Client, path: Path) -> None:
        rows = RECORDS.rows({"name": "José", "allergies": "-"})
        page = upload(steward, RECORDS, write_csv(path, rows, encoding="cp1252"))
        form = form_to(page, "answer")
        assert form.fields["encoding"] == "cp1252"
        steward.post(form.address, {**form.fields, "word:allergies:-": "-"})
        run_jobs()
        assert "Assumed" not in Page.of(page_of_run(steward)).text
        press_import(steward, page_of_run(steward))
        assert MedicalRecord.objects.values_list("name", "allergies").get() == ("José", "-")

    def test_an_answer_that_somebody_else_gave_meanwhile_is_not_overwritten(self, steward: Client, path: Path) -> None:
        page = upload(steward, RECORDS, write_csv(path, RECORDS.rows({"name": "José"}), encoding="cp1252"))
        form = form_to(page, "answer")
        steward.post(form.address, {**form.fields, "encoding": "cp850"})
        run_jobs()
        late = steward.post(form.address, {**form.fields, "encoding": "mac_roman"}, follow=True)
        assert "Somebody else answered meanwhile." in Page.of(late).text
        assert last_run().answers["encoding"] == "cp850"

    def test_people_who_may_not_import_see_them_only(self, steward: Client, sign_in: SignIn, path: Path) -> None:
        upload(steward, RECORDS, write_csv(path, RECORDS.rows({"name": "José"}), encoding="cp1252"))
        viewer = sign_in("imports.view_importrun")
        shown = Page.of(page_of_run(viewer))
        assert "Encoding: Windows-1252" in shown.text
        assert not shown.all(".assumptions select, .assumptions button")
