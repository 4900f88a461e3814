"""Date cells whose day and month a spreadsheet exchanged when it opened a text file with another order of dates."""

from collections.abc import Sequence
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from openpyxl import Workbook

from healthtrack.imports.models import ReadingProfile, State
from patients.models import MedicalRecord
from tests.support.finished_imports import Imported, import_file
from tests.support.forms import form_to, form_with
from tests.support.import_files import RECORDS
from tests.support.import_pages import last_run, press_import, run_jobs, upload
from tests.support.page import Page
from tests.support.signing_in import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

BORN = "date_of_birth"
PART = f"date_cells:{BORN}"
MEANT = [date(1980, 4, 3), date(1980, 5, 17), date(1981, 12, 1), date(1982, 1, 31)]


@pytest.fixture
def steward(sign_in: SignIn) -> Client:
    return sign_in(*RECORDS.steward)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.xlsx"


def exchange(day: date) -> date | str:
    """Return what a spreadsheet with the month first makes of a date that is written with the day first."""
    return date(day.year, day.day, day.month) if day.day <= 12 else f"{day:%d/%m/%Y}"


def write(path: Path, values: Sequence[date | str]) -> Path:
    book = Workbook()
    book.worksheets[0].append(list(RECORDS.row))
    for row in RECORDS.rows(*({BORN: value} for value in values)):
        book.worksheets[0].append(list(row.values()))
    book.save(path)
    return path


def run(path: Path, values: Sequence[date | str], **answers: str) -> Imported:
    return import_file(RECORDS.importer, write(path, values), answers=answers)


def born() -> list[date]:
    return list(MedicalRecord.objects.order_by("pk").values_list(BORN, flat=True))


@pytest.mark.parametrize(("answer", "meant"), [("exchanged", MEANT), ("as_shown", None)])
def test_cells_that_look_exchanged_are_a_question(
    steward: Client, path: Path, answer: str, meant: list[date] | None
) -> None:
    page = upload(steward, RECORDS, write(path, list(map(exchange, MEANT))))
    assert last_run().state == State.QUESTIONS
    reason = "2 values in date cells have days up to 12 only, and 2 in texts later ones only, such as “17/05/1980”."
    assert reason in Page.of(page).text
    assert "not clear" in Page.of(page).text
    form = form_to(page, "answer")
    steward.post(form.address, {**form.fields, PART: answer, "profile_name": "Clinic 7"})
    run_jobs()
    assert last_run().state == State.CHECKED
    press_import(steward, steward.get(f"/admin/imports/importrun/{last_run().pk}/change/"))
    assert born() == (meant or [date(1980, 3, 4), MEANT[1], date(1981, 1, 12), MEANT[3]])


@pytest.mark.parametrize(
    "values",
    [
        MEANT,
        [*map(exchange, MEANT), date(1983, 5, 20)],
        [*map(exchange, MEANT), "03/04/1983"],
        [date(1980, 4, 3), "17/05/1980"],
        [f"{day:%d/%m/%Y}" for day in MEANT],
    ],
    ids=["cells only", "a late cell", "an early text", "too few", "texts only"],
)
def test_others_are_not(path: Path, values: Sequence[date | str]) -> None:
    finished = run(path, values)
    assert (finished.questions, finished.errors) == ([], [])


def test_a_late_cell_far_below_answers_the_question(path: Path) -> None:
    values = [*map(exchange, MEANT), *[date(1980, 4, 3)] * 2100, date(1983, 5, 20)]
    assert run(path, values).questions == []


def test_a_command_names_its_option_and_takes_it(path: Path) -> None:
    errors = StringIO()
    write(path, list(map(exchange, MEANT)))
    with pytest.raises(CommandError):
        call_command(RECORDS.command, path, stderr=errors)
    assert "Add --date-cells as_shown or --date-cells exchanged." in errors.getvalue()
    call_command(RECORDS.command, path, "--date-cells=exchanged", stdout=StringIO())
    assert born() == MEANT


def test_a_profile_remembers_it(steward: Client, path: Path) -> None:
    form = form_to(upload(steward, RECORDS, write(path, list(map(exchange, MEANT)))), "answer")
    steward.post(form.address, {**form.fields, PART: "exchanged", "profile_name": "Clinic 7"})
    assert ReadingProfile.objects.get().answers == {PART: "exchanged"}
    page = steward.get(f"/admin/imports/readingprofile/{ReadingProfile.objects.get().pk}/change/")
    assert form_with(page, "name").fields[PART] == "exchanged"
    shown = Page.of(upload(steward, RECORDS, write(path, list(map(exchange, MEANT)))))
    said = "Date cells in date_of_birth: With day and month exchanged. Remembered in the profile “Clinic 7”."
    assert said in shown.text
