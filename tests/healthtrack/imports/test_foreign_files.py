"""Files of other languages and systems: their encodings, words, headers and number formats."""

from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from healthtrack.imports.models import ReadingProfile, State
from healthtrack.imports.reading.encodings import CODE_PAGES, detect_encoding
from patients.models import MedicalRecord
from tests.support.forms import form_to, form_with
from tests.support.import_files import CATALOGUE, MODELS, RECORDS, Row, write_csv, write_parts
from tests.support.import_pages import last_run, press_import, run_jobs, upload
from tests.support.page import Page
from tests.support.styled_workbooks import Cell, Number, write_workbook
from trackers.models import FitnessTracker, TrackerModel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

# Some have words that look right in one code page only, or bytes that mean letters of several languages.
CLEAR = {
    "cp1252": ["Jürgen Größe", "José", "Éric", "MÜLLER", "Søren Kjær", "Ada O’Byron – “Countess”"],  # noqa: RUF001 (as the file has it)
    "mac_roman": ["Jürgen Größe", "MÜLLER ÄNNE"],
    "cp850": ["Jürgen Größe", "MÜLLER ÄNNE", "São João"],
    "cp1250": ["Łukasz Żółć"],
    "cp852": ["Jiří Dvořák"],
}
UNCLEAR = {
    "cp1250": ["Jiří Dvořák Šárka"],
    "cp1254": ["Şükrü Gökçe", "ÇETİN"],
    "cp1251": ["Иван Петров"],
    "koi8_r": ["Иван Петров"],
    "cp1253": ["Γιώργος Παπαδόπουλος"],
    "cp932": ["山田太郎", "ソニー 表"],
    "euc_jp": ["山田太郎"],
    "gb18030": ["王小明"],
    "big5": ["陳大文"],
    "cp949": ["김철수"],
    "mac_roman": ["Köln"],
}


def list_cases(names: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(encoding, name) for encoding, each in names.items() for name in each]


def answer(client: Client, page: object, **changes: str) -> None:
    form = form_to(page, "answer")
    client.post(form.address, {**form.fields, **changes})
    run_jobs()


def import_it(client: Client) -> None:
    press_import(client, client.get(f"/admin/imports/importrun/{last_run().pk}/change/"))


def stored(field: str) -> list[object]:
    return list(MedicalRecord.objects.order_by("pk").values_list(field, flat=True))


class TestEncodings:
    @pytest.mark.parametrize(("encoding", "name"), list_cases(CLEAR))
    def test_words_that_look_right_in_one_code_page_only_show_it(self, path: Path, encoding: str, name: str) -> None:
        write_csv(path, RECORDS.rows({"name": name}), encoding=encoding)
        assert RECORDS.run(path).reason == ""
        assert stored("name") == [name]

    @pytest.mark.parametrize(("encoding", "name"), list_cases(UNCLEAR))
    def test_others_are_a_question_and_never_read_wrongly(self, path: Path, encoding: str, name: str) -> None:
        write_csv(path, RECORDS.rows({"name": name}), encoding=encoding)
        assert RECORDS.run(path).reason == "The file can be read in several ways."
        assert detect_encoding(path).examples.keys() == CODE_PAGES.keys()

    @pytest.mark.parametrize(
        ("encoding", "name"), [("cp932", "山田太郎"), ("cp949", "김철수"), ("cp1251", "Иван Петров"), ("cp866", "Иван")]
    )
    def test_a_code_page_of_the_script_is_suggested(self, path: Path, encoding: str, name: str) -> None:
        assert detect_encoding(write_csv(path, RECORDS.rows({"name": name}), encoding=encoding)).name == encoding

    def test_the_choices_show_a_word_in_each_encoding(self, steward: Client, path: Path) -> None:
        page = upload(steward, RECORDS, write_csv(path, RECORDS.rows({"name": "山田太郎"}), encoding="cp932"))
        assert last_run().state == State.QUESTIONS
        assert "Shift JIS (Japanese): 山田" in page.content.decode()
        answer(steward, page, encoding="cp932", profile_name="Clinic 7")
        import_it(steward)
        assert stored("name") == ["山田太郎"]
        assert "山田" not in str(last_run().plan)

    def test_a_profile_remembers_the_answer(self, steward: Client, path: Path) -> None:
        page = upload(steward, RECORDS, write_csv(path, RECORDS.rows({"name": "山田太郎"}), encoding="cp932"))
        answer(steward, page, encoding="cp932", profile_name="Clinic 7")
        assert ReadingProfile.objects.get().answers == {"encoding": "cp932"}
        shown = Page.of(upload(steward, RECORDS, write_csv(path, RECORDS.rows({"name": "鈴木"}), encoding="cp932")))
        assert "Shift JIS (Japanese). Remembered in the profile “Clinic 7”." in shown.text

    def test_a_command_names_the_option_and_says_what_it_assumed(self, path: Path) -> None:
        errors = StringIO()
        write_csv(path, RECORDS.rows({"name": "Иван Петров"}), encoding="cp1251")
        with pytest.raises(CommandError):
            call_command(RECORDS.command, path, stderr=errors)
        assert "How is this file encoded? Add --encoding, such as cp1252." in errors.getvalue()
        call_command(RECORDS.command, path, encoding="cp1251", stdout=StringIO())
        assert stored("name") == ["Иван Петров"]
        write_csv(path, RECORDS.rows({"name": "Jürgen"}), encoding="cp1252")
        call_command(RECORDS.command, path, "--accept=another-person", stdout=StringIO(), stderr=errors)
        assert "Encoding: Windows-1252 (Western Europe)." in errors.getvalue()

    def test_a_file_without_a_table_is_an_error_in_any_encoding(self, path: Path) -> None:
        path.write_bytes(b"\xb7")
        (error,) = RECORDS.run(path).errors
        assert "No column has an expected name." in str(error)

    def test_a_file_cut_off_within_a_letter_is_utf_8(self, path: Path) -> None:
        content = write_csv(path, RECORDS.rows({"name": "Jürgen"})).read_bytes()
        path.write_bytes(content + "P2,Zoë".encode()[:-1])
        (error,) = RECORDS.run(path).errors
        assert "Has 2 cells" in str(error)


class TestGenders:
    @pytest.mark.parametrize(
        "words", [("w", "m"), ("weiblich", "männlich"), ("Femme", "H"), ("Mujer", "Hombre"), ("K", "M"), ("女", "男")]
    )
    def test_words_of_other_languages_are_assumed(self, steward: Client, path: Path, words: Sequence[str]) -> None:
        page = Page.of(upload(steward, RECORDS, write(path, *words)))
        assert f"“{words[0].lower()}” in gender: Female. This is a usual word for it." in page.text
        import_it(steward)
        assert stored("gender") == ["F", "M"]

    @pytest.mark.parametrize("words", [("H", "M"), ("M", "V"), ("F", "M", "M", "h")])
    def test_m_is_a_question_where_it_may_mean_mujer_or_man(
        self, steward: Client, path: Path, words: Sequence[str]
    ) -> None:
        page = Page.of(upload(steward, RECORDS, write(path, *words)))
        assert last_run().state == State.QUESTIONS
        assert "means different things in different languages" in page.text
        assert "not clear" in page.text

    def test_so_it_is_far_below(self, steward: Client, path: Path) -> None:
        upload(steward, RECORDS, write(path, *["M"] * 2100, "H"))
        assert last_run().state == State.QUESTIONS

    def test_the_answer_counts(self, steward: Client, path: Path) -> None:
        answer(steward, upload(steward, RECORDS, write(path, "H", "M")), **{"word:gender:m": "F"})
        import_it(steward)
        assert stored("gender") == ["M", "F"]

    def test_a_profile_remembers_the_answer_and_shows_it(self, steward: Client, path: Path) -> None:
        answers = {"word:gender:m": "F", "profile_name": "Clinic 7"}
        answer(steward, upload(steward, RECORDS, write(path, "H", "M")), **answers)
        page = steward.get(f"/admin/imports/readingprofile/{ReadingProfile.objects.get().pk}/change/")
        form = form_with(page, "name")
        assert form.fields["word:gender:m"] == "F"
        steward.post(f"/admin/imports/readingprofile/{ReadingProfile.objects.get().pk}/change/", form.fields)
        shown = Page.of(upload(steward, RECORDS, write(path, "M", "H")))
        assert "“m” in gender: Female. Remembered in the profile “Clinic 7”." in shown.text

    def test_a_command_takes_it(self, path: Path) -> None:
        with pytest.raises(CommandError):
            call_command(RECORDS.command, write(path, "V", "M"), stderr=StringIO())
        call_command(RECORDS.command, path, word=["V=female", "M=M"], stdout=StringIO(), stderr=StringIO())
        assert stored("gender") == ["F", "M"]

    def test_a_word_of_many_rows_that_is_in_no_list_is_a_question(self, steward: Client, path: Path) -> None:
        page = upload(steward, RECORDS, write(path, *["1", "2"] * 5))
        assert last_run().state == State.QUESTIONS
        answer(steward, page, **{"word:gender:1": "M", "word:gender:2": "F"})
        import_it(steward)
        assert set(stored("gender")) == {"M", "F"}

    def test_documented_words_need_no_explanation(self, steward: Client, path: Path) -> None:
        page = Page.of(upload(steward, RECORDS, write(path, "F", "male", "Unknown")))
        assert "“f” in gender" not in page.text


def write(path: Path, *genders: str) -> Path:
    return write_csv(path, RECORDS.rows(*({"gender": gender} for gender in genders)))


class TestHeaders:
    @pytest.mark.parametrize(
        "header",
        [
            "Patientennummer;Name;Geburtsdatum;Geschlecht;Diagnosen;Medikamente;Allergien;Letzter Termin;Tracker",
            "Pat.-Nr.;Patientenname;Geb.-Datum;Geschlecht;Vorerkrankungen;Medikation;Allergien;Letzter Besuch;Gerät",
            "MRN;Nom complet;Date de naissance;Sexe;Diagnostics;Médicaments;Allergies;Dernière visite;Device",
            "ID;Nombre completo;Fecha de nacimiento;Sexo;Diagnósticos;Medicación;Alergias;Última cita;Tracker",
        ],
    )
    def test_a_german_french_or_spanish_file_is_imported_without_questions(self, path: Path, header: str) -> None:
        path.write_text(f"{header}\nP1;Jürgen Größe;17.05.1980;M;Asthma;ja;;14.06.2024;Band 2\n")
        assert RECORDS.run(path).errors == []
        record = MedicalRecord.objects.get()
        assert (record.name, str(record.date_of_birth), record.medications) == ("Jürgen Größe", "1980-05-17", True)

    @pytest.mark.parametrize(
        "header", ["Brand Name, Device Type, Model Name", 'Brand Name, "Device Type", "Model Name"']
    )
    def test_spaces_before_quotes_do_not_belong_to_cells(self, path: Path, header: str) -> None:
        path.write_text(f'{header}\nXiaomi, "Band, fitness", "Band ""2"""\nXiaomi, Band, "Band 3"\n')
        assert MODELS.run(path).errors == []
        found = set(TrackerModel.objects.values_list("device_type", "model_name"))
        assert found == {("Band, fitness", 'Band "2"'), ("Band", "Band 3")}

    @pytest.mark.parametrize("delimiter", ["^", "~", ":"])
    def test_rare_delimiters_are_found(self, path: Path, delimiter: str) -> None:
        RECORDS.run(write_csv(path, RECORDS.rows({}), delimiter=delimiter))
        assert stored("name") == ["Ada Byron"]

    @pytest.mark.parametrize("above", [31, 400])
    def test_the_header_may_be_far_below(self, path: Path, above: int) -> None:
        write_csv(path, RECORDS.rows({}), encoding="utf-8")
        path.write_text("# a note\n" * above + path.read_text())
        RECORDS.run(path)
        assert stored("name") == ["Ada Byron"]
        cells = [[str(value) for value in row] for row in (RECORDS.row, RECORDS.rows({"name": "Zoë"})[0].values())]
        run = RECORDS.run(write_workbook(path, {"Rows": [["a note"]] * above + cells}))
        assert run.counts.held == 0
        assert stored("name") == ["Zoë"]

    @pytest.mark.parametrize("ending", ["", "\ufeff"])
    def test_rows_that_repeat_the_header_are_ignored(self, path: Path, ending: str) -> None:
        write_csv(path, MODELS.rows({}, {}), encoding="utf-8")
        path.write_text(f"{path.read_text()}{ending}{path.read_text()}")
        assert MODELS.run(path).errors == []
        assert TrackerModel.objects.count() == 2

    def test_so_they_are_in_a_workbook(self, path: Path) -> None:
        header = list(MODELS.row)
        MODELS.run(write_workbook(path, {"Rows": [header, ["Xiaomi", "FitnessBand", "Band 1"], header]}))
        assert TrackerModel.objects.count() == 1

    def test_of_sheets_with_one_header_that_with_rows_is_read(self, path: Path) -> None:
        header = list(MODELS.row)
        MODELS.run(write_workbook(path, {"Template": [header], "Data": [header, ["Xiaomi", "Band", "Band 1"]]}))
        assert TrackerModel.objects.count() == 1

    def test_a_workbook_without_visible_sheets_says_so(self, path: Path) -> None:
        (error,) = MODELS.run(write_workbook(path, {"Rows": [list(MODELS.row)]}, hidden=["Rows"])).errors
        assert str(error) == "All sheets of the workbook are hidden. Show the sheet that has the table."


class TestCells:
    @pytest.mark.parametrize(
        "midnight",
        [
            "5/17/1980, 12:00:00 AM",
            "5/17/1980 12:00 a.m.",
            "17.05.1980, 00:00 Uhr",
            "17.5.1980 00.00",
            "1980-05-17 00:00:00 UTC",
            "1980-05-17 0:00:00,000",
        ],
    )
    def test_midnight_in_any_notation_is_ignored(self, path: Path, midnight: str) -> None:
        RECORDS.run(write_csv(path, RECORDS.rows({"date_of_birth": midnight})))
        assert [str(day) for day in stored("date_of_birth")] == ["1980-05-17"]

    def test_two_digits_of_a_year_are_the_error_also_at_midnight(self, path: Path) -> None:
        (error,) = RECORDS.run(write_csv(path, RECORDS.rows({"date_of_birth": "5/17/80 0:00"}))).errors
        assert "The year has two digits." in str(error)

    @pytest.mark.parametrize("filler", ["\u034f", "\u115f", "\u2800", "\u3164", "\ufe0f", "\uffa0", "\U000e0020"])
    def test_patients_who_look_the_same_are_one(self, path: Path, filler: str) -> None:
        RECORDS.run(write_csv(path, RECORDS.rows({"patient_id": f"P{filler}1{filler}", "name": f"Ada Byron{filler}"})))
        assert (stored("patient_id"), stored("name")) == (["P1"], ["Ada Byron"])

    @pytest.mark.parametrize(
        ("number", "form", "shown"),
        [
            ("123456789", r"[<=99999]00000;00000\-0000", "12345-6789"),
            ("123", r"[<=99999]00000;00000\-0000", "00123"),
            ("123", '"P"General', "P123"),
            ("12345", "# ?/?", "12345"),
            ("12345", "0E+00", "12345"),
            ("12.125", 0, "12.125"),
        ],
    )
    def test_patient_numbers_are_those_that_the_sheet_shows(
        self, path: Path, number: str, form: str | int, shown: str
    ) -> None:
        RECORDS.run(write_workbook(path, {"Rows": table(RECORDS.rows({"patient_id": Number(number, form)}))}))
        assert stored("patient_id") == [shown]

    @pytest.mark.parametrize("others", [[], ["1.299", "2.499"]])
    def test_a_number_with_decimals_is_never_read_as_thousands(self, path: Path, others: Sequence[str]) -> None:
        prices: list[object] = [Number("12.125", 0), *others]
        rows = CATALOGUE.rows(*({"Selling Price": price, "Original Price": "99999"} for price in prices))
        errors = CATALOGUE.run(write_workbook(path, {"Rows": table(rows)})).errors
        assert "Not a whole number." in str(errors[0])
        assert len(errors) == 1

    def test_prices_with_cents_show_that_a_point_is_no_mark_of_thousands(self, path: Path) -> None:
        rows = CATALOGUE.rows({"Selling Price": "12.99"}, {"Selling Price": "11.49"}, {"Selling Price": "1.299"})
        run = CATALOGUE.run(write_csv(path, rows))
        assert len(run.errors) == 3
        assert not FitnessTracker.objects.exists()


def table(rows: Sequence[Row]) -> list[list[Cell]]:
    values: list[list[Cell]] = [
        [value if isinstance(value, Number) else str(value) for value in row.values()] for row in rows
    ]
    header: list[Cell] = list(rows[0])
    return [header, *values]


@pytest.mark.parametrize(
    "content", [b"ID;PWXL;N;E\nC;Y1;X1;K1\n", b"MIME-Version: 1.0\n", b'\xef\xbb\xbf{"a": 1}\n', b"\xff\xfe\0\0a\0\0\0"]
)
def test_other_formats_are_named_as_such(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    (error,) = RECORDS.run(path).errors
    assert str(error) == "This is not a CSV, TSV or XLSX file. Save the table in one of these formats."


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("content.xml", "an OpenDocument file (ODS)"),
        ("xl/workbook.bin", "a binary Excel workbook (XLSB)"),
        ("Index/Document.iwa", "a file of Apple Numbers"),
        ("word/document.xml", "a Word document"),
    ],
)
def test_other_archives_are_named_as_such(path: Path, part: str, kind: str) -> None:
    (error,) = RECORDS.run(write_parts(path, {part: "x"})).errors
    assert str(error) == f"This is {kind}. Save the table as XLSX or as CSV."
