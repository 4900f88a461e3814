"""Words for yes, no and no value are a part of the reading plan: found in the file, shown, changed by people."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from healthtrack.imports.models import ReadingProfile, State
from patients.models import MedicalRecord
from tests.support.forms import form_to
from tests.support.import_files import CATALOGUE, RECORDS, write_csv
from tests.support.import_pages import last_run, press_import, run_jobs, upload
from tests.support.page import Page
from tests.support.signing_in import SignIn
from trackers.models import FitnessTracker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

UNKNOWN = "word:medications:x"


def write(path: Path, *words: str, column: str = "medications", rows: int = 0) -> Path:
    """Write a row for each word, after some rows with documented ones."""
    return write_csv(path, RECORDS.rows(*[{}] * rows, *({column: word} for word in words)))


def answer(client: Client, page: Any, **changes: str) -> Page:
    form = form_to(page, "answer")
    sent = client.post(form.address, {**form.fields, **changes}, follow=True)
    run_jobs()
    return (
        Page.get(client, f"/admin/imports/importrun/{last_run().pk}/change/") if sent.redirect_chain else Page.of(sent)
    )


def change_reading(client: Client, **changes: str) -> Page:
    return answer(client, client.get(f"/admin/imports/importrun/{last_run().pk}/reading/"), **changes)


def import_it(client: Client) -> None:
    press_import(client, client.get(f"/admin/imports/importrun/{last_run().pk}/change/"))


def stored(field: str = "medications") -> list[Any]:
    return list(MedicalRecord.objects.order_by("pk").values_list(field, flat=True))


@pytest.mark.parametrize(
    "words",
    [("ja", "nein", "Ja", "NEIN"), ("1", "0", "1", "0"), ("Y", "N", "true", "FALSE"), ("oui", "non", "si", "j")],
)
def test_usual_words_are_understood(steward: Client, path: Path, words: tuple[str, ...]) -> None:
    upload(steward, RECORDS, write(path, *words))
    import_it(steward)
    expected = [True, False, True, words[3] == "j"]
    assert stored() == expected


def test_usual_words_of_other_languages_are_assumed_and_shown_above_the_preview(steward: Client, path: Path) -> None:
    page = Page.of(upload(steward, RECORDS, write(path, "ja", "ja", "nein")))
    assert "“ja” in medications: Yes. This is a usual word for it. It appears in 2 values." in page.text
    assert "“nein” in medications: No." in page.text


def test_documented_words_are_certain(steward: Client, path: Path) -> None:
    page = Page.of(upload(steward, RECORDS, write(path, "Yes", "N")))
    assert last_run().state == State.CHECKED
    assert "Assumed" not in page.text


@pytest.mark.parametrize(("column", "field"), [("allergies", "allergies"), ("Tracker", "tracker")])
def test_usual_words_for_no_value_are_assumed_to_mean_that(
    steward: Client, path: Path, column: str, field: str
) -> None:
    page = Page.of(upload(steward, RECORDS, write(path, "k.A.", "-", "Keine", "Nuts", column=column)))
    assert f"“k.a.” in {column}: No value." in page.text
    import_it(steward)
    assert stored(field) == ["", "", "", "Nuts"]


@pytest.mark.parametrize("word", ["No", "nein", "Non"])
def test_no_is_not_an_allergy(steward: Client, path: Path, word: str) -> None:
    page = Page.of(upload(steward, RECORDS, write(path, word, "Nuts", column="allergies")))
    assert f"“{word.lower()}” in allergies: No value." in page.text
    import_it(steward)
    assert stored("allergies") == ["", "Nuts"]


def test_a_person_says_that_such_a_word_is_a_text(steward: Client, path: Path) -> None:
    upload(steward, RECORDS, write(path, "-", "Nuts", column="allergies"))
    change_reading(steward, **{"word:allergies:-": "-"})
    import_it(steward)
    assert stored("allergies") == ["-", "Nuts"]


def test_dates_and_numbers_have_such_words_too(sign_in: SignIn, steward: Client, path: Path) -> None:
    upload(steward, RECORDS, write(path, "k.A.", "06/14/2024", column="last_appointment_date"))
    import_it(steward)
    assert stored("last_appointment_date")[0] is None
    client = sign_in(*CATALOGUE.steward)
    upload(client, CATALOGUE, write_csv(path, CATALOGUE.rows({"Reviews": "keine"}, {"Reviews": "7"})))
    import_it(client)
    assert set(FitnessTracker.objects.values_list("reviews", flat=True)) == {None, 7}


def test_a_word_that_is_in_no_list_is_an_error(steward: Client, path: Path) -> None:
    page = Page.of(upload(steward, RECORDS, write(path, "perhaps", "No")))
    assert "Must be Yes or No." in page.text
    assert (last_run().invalid_count, last_run().error_count) == (1, 1)


def test_what_such_a_word_means_can_be_said(steward: Client, path: Path) -> None:
    upload(steward, RECORDS, write(path, "perhaps", "No"))
    change_reading(steward, **{"word:medications:perhaps": "yes"})
    import_it(steward)
    assert stored() == [True, False]


def test_a_word_of_many_rows_that_is_in_no_list_is_a_question(steward: Client, path: Path) -> None:
    page = upload(steward, RECORDS, write(path, *["X"] * 5, "No"))
    assert last_run().state == State.QUESTIONS
    assert "It appears in 5 values, and HealthTrack does not know what it means." in Page.of(page).text
    assert "Choose one." in answer(steward, page).text
    answer(steward, page, **{UNKNOWN: "yes"})
    import_it(steward)
    assert stored() == [*[True] * 5, False]


def test_names_in_a_column_of_answers_are_errors_and_not_stored_with_the_run(steward: Client, path: Path) -> None:
    upload(steward, RECORDS, write(path, *(f"Ada {number}" for number in range(9)), "No"))
    assert last_run().invalid_count == 9
    import_it(steward)
    plan = last_run().plan
    assert plan
    assert "Ada" not in str(plan)
    assert "word:medications:no" in str(plan)


@pytest.mark.parametrize(("column", "word"), [("allergies", "k.A."), ("medications", "nein")])
def test_words_that_first_appear_far_below_are_found(steward: Client, path: Path, column: str, word: str) -> None:
    page = Page.of(upload(steward, RECORDS, write(path, word, column=column, rows=2100)))
    assert f"“{word.lower()}” in {column}: {'No value' if column == 'allergies' else 'No'}." in page.text
    import_it(steward)
    assert set(stored(column)) == ({""} if column == "allergies" else {False})


def test_a_profile_remembers_them(steward: Client, path: Path) -> None:
    page = upload(steward, RECORDS, write(path, *["X"] * 5, "No"))
    answer(steward, page, **{UNKNOWN: "yes", "profile_name": "Clinic 7"})
    assert ReadingProfile.objects.get().answers == {UNKNOWN: "yes"}
    again = Page.of(upload(steward, RECORDS, write(path, *["X"] * 6)))
    assert "“x” in medications: Yes. Remembered in the profile “Clinic 7”." in again.text
    shown = Page.get(steward, f"/admin/imports/readingprofile/{ReadingProfile.objects.get().pk}/change/")
    assert "“x” in medications" in shown.text


class TestCommands:
    def test_they_name_the_option(self, path: Path) -> None:
        errors = StringIO()
        with pytest.raises(CommandError, match=r"Nothing was imported\."):
            call_command(RECORDS.command, write(path, *["X"] * 5), stderr=errors)
        assert "What does “x” mean in “medications”? Add --word x=MEANING." in errors.getvalue()

    def test_they_take_it(self, path: Path) -> None:
        call_command(RECORDS.command, write(path, *["X"] * 5, "O"), word=["x=yes", "O=no"], stdout=StringIO())
        assert stored() == [*[True] * 5, False]

    @pytest.mark.parametrize("option", ["x", "=yes", "x=maybe"])
    def test_they_explain_the_option(self, path: Path, option: str) -> None:
        with pytest.raises(CommandError, match="--word must be a word and its meaning, such as ja=yes"):
            call_command(RECORDS.command, write(path, "X"), word=[option])
