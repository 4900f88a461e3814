"""Files as people really have them: what is stored, or the message. Each test has the kind of file in its name."""

import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from healthtrack.imports.models import ImportRun
from healthtrack.imports.reading_plans import ReadingPlan
from healthtrack.imports.tabular.error_report import generate_error_report
from patients.models import MedicalRecord, MedicalRecordTracker
from tests.support.finished_imports import check_file
from tests.support.import_files import CATALOGUE, MODELS, RECORDS, Kind, Row, write_csv
from tests.support.styled_workbooks import Formula, Number, table_of, write_workbook
from trackers.models import FitnessTracker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

HEADER = ",".join(RECORDS.row)
ROW = "P1,Ada Byron,05/17/1980,F,Asthma,No,None,06/14/2024,Band 2"
SEMICOLONS = [line.replace(",", ";") for line in (HEADER, ROW)]
STORED = {"patient_id": "P1", "name": "Ada Byron", "date_of_birth": date(1980, 5, 17), "tracker": "Band 2"}


def record(**changes: Any) -> Row:
    return {**RECORDS.row, "patient_id": "P1", **changes}


def variant(**changes: Any) -> Row:
    return {**CATALOGUE.row, "Color": "Black", **changes}


def write(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def import_records(path: Path) -> list[dict[str, Any]]:
    """Import a file without errors and questions. Return the stored records."""
    result = RECORDS.run(path)
    assert [str(error) for error in result.errors] == []
    assert result.reason == ""
    return [dict(row) for row in MedicalRecord.objects.order_by("patient_id").values()]


def import_row(path: Path) -> Mapping[str, Any]:
    (row,) = import_records(path)
    return row


def get_errors(path: Path, kind: Kind = RECORDS) -> list[str]:
    return [str(error) for error in kind.run(path).errors]


def get_parts(run: ImportRun) -> dict[str, Any]:
    return {part.name: part for part in ReadingPlan.from_json(run.plan).parts}


def of_book(path: Path, *rows: Row, kind: Kind = RECORDS, **options: Any) -> Path:
    return write_workbook(path, {"Rows": table_of(kind, *rows)}, **options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


class TestText:
    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(f"{HEADER}\n{ROW}\n,,,,,,,,\n , ,,,,,,,\n", id="blank rows"),
            pytest.param(f'{HEADER}\n{ROW}\n"","",,,,,,,\n', id="a blank row in quotes"),
            pytest.param(f"{HEADER}\n{ROW},\n", id="a comma at the end of a row"),
            pytest.param(f"{HEADER},,\n{ROW},,\n", id="commas at the end of all rows"),
            pytest.param(f"sep=;\n{HEADER}\n{ROW}\n".replace(",", ";"), id="a line that names the separator"),
            pytest.param(f"{HEADER}\n{ROW}\n".replace(",", "|"), id="pipes"),
            pytest.param(f'{SEMICOLONS[0]};"a,b,c,d,e,f,g,h,i,j"\n{SEMICOLONS[1]};x\n', id="commas in a header"),
            pytest.param(f"Patients of ward 3,,,,,,,,\n\n{HEADER}\n{ROW}\n", id="a title above the header"),
            pytest.param(f'\ufeff\ufeff"patient_id"{HEADER[10:]}\n{ROW}\n', id="two byte-order marks"),
            pytest.param(f"{HEADER}\n{ROW}\n" + "\0" * 5000, id="NUL at the end"),
            pytest.param(f"{HEADER}\n{ROW}\n\x1a", id="Ctrl-Z at the end"),
            pytest.param(HEADER.replace("name", "name\u200b") + f"\n{ROW}\n", id="a zero-width space in the header"),
            pytest.param(f"{HEADER.replace('date_of_birth', 'Date-of-Birth')}\n{ROW}\n", id="hyphens in a name"),
        ],
    )
    def test_the_row_is_stored(self, path: Path, content: str) -> None:
        assert STORED.items() <= import_row(write(path, content)).items()

    def test_a_cell_left_off_at_the_end_is_empty(self, path: Path) -> None:
        assert import_row(write(path, f"{HEADER}\n{ROW.removesuffix(',Band 2')}\n"))["tracker"] == ""

    def test_a_row_that_ends_before_its_last_required_value_is_an_error(self, path: Path) -> None:
        (error,) = get_errors(write(path, f"{HEADER}\nP1,Ada Byron,05/17/1980\n"))
        assert "Has 3 cells, but the header has 9." in error

    @pytest.mark.parametrize("delimiter", ["\t", ";"])
    def test_blank_rows_and_line_breaks_in_quotes_are_read_in_every_format(self, path: Path, delimiter: str) -> None:
        row = ROW.replace(",", delimiter).replace("Asthma", '"Asthma,\nrare"')
        content = f"{HEADER.replace(',', delimiter)}\n{row}\n{delimiter * 8}\n"
        assert import_row(write(path, content))["medical_conditions"] == "Asthma, rare"

    def test_a_line_break_in_the_header_is_part_of_a_name(self, path: Path) -> None:
        header = ",".join(CATALOGUE.row).replace("Rating (Out of 5)", '"Rating\n(Out of 5)"')
        write(path, f"{header}\nXiaomi,FitnessBand,Band 2,Black,100,200,LCD,4.1,Leather,14,5\n")
        assert CATALOGUE.run(path).errors == []
        assert FitnessTracker.objects.get().selling_price == 100

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    def test_utf_16_is_read_with_and_without_a_byte_order_mark(self, path: Path, encoding: str) -> None:
        content = f"{HEADER}\n{ROW}\n".replace("Ada Byron", "Zoë Muñoz").replace(",", "\t")
        assert import_row(write(path, content, encoding))["name"] == "Zoë Muñoz"

    @pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp850"])
    def test_a_code_page_is_detected_and_shown_with_an_example(self, path: Path, encoding: str) -> None:
        names = ["Zoë Muñoz", "Jürgen Größe", "André Lefèvre"]
        rows = [ROW.replace("P1", f"P{place}").replace("Ada Byron", name) for place, name in enumerate(names)]
        part = get_parts(check_file(RECORDS.importer, write(path, "\n".join([HEADER, *rows]), encoding)))["encoding"]
        assert (part.value, part.certainty, part.params["example"]) == (encoding, "assumed", "Zoë")
        RECORDS.run(path)
        assert list(MedicalRecord.objects.order_by("pk").values_list("name", flat=True)) == names

    def test_damaged_utf_8_is_an_error_and_no_code_page(self, path: Path) -> None:
        content = f"{HEADER}\n{ROW.replace('Ada', 'Zoë')}\n{ROW.replace('Ada', 'Jürgen')}\n".encode()
        errors = get_errors(write(path, content + ROW.replace("Ada", "Ren\udcff").encode("utf-8", "surrogateescape")))
        assert any("Not encoded in UTF-8" in error for error in errors)

    def test_misplaced_quotes_are_downloaded_exactly_as_they_are(self, path: Path) -> None:
        rows = [ROW.replace("Ada Byron", '"Ada" Byron'), ROW.replace("Ada Byron", '"')]
        run = RECORDS.run(write(path, "\n".join([HEADER, *rows]))).run
        downloaded = list(csv.reader("".join(generate_error_report(run)).splitlines()))
        assert [row[2] for row in downloaded] == ["name", '"Ada" Byron', '"']


class TestWorkbooks:
    def test_a_number_beyond_the_last_date_is_no_error_in_an_ignored_column(self, path: Path) -> None:
        row = record(valid_until=Number("2958465.99999999", 22))
        sheet = [[*RECORDS.row, "valid_until"], *table_of(RECORDS, row)[1:]]
        assert STORED.items() <= import_row(write_workbook(path, {"Rows": sheet})).items()

    @pytest.mark.parametrize("from_1904", [True, False])
    @pytest.mark.parametrize("value", ["2958465.99999999", "2958466", "0", "0.5", "60", "-3"])
    def test_a_number_that_is_no_date_is_an_error_in_a_column_of_dates(
        self, path: Path, value: str, *, from_1904: bool
    ) -> None:
        if value == "60" and from_1904:
            value = "2957004"  # 60 is a day there, and this is past the year 9999
        book = of_book(path, record(date_of_birth=Number(value, 14)), from_1904=from_1904)
        (error,) = get_errors(book)
        assert error.startswith("Line 2, date_of_birth “")
        assert "Not a valid date." in error

    @pytest.mark.parametrize("value", ["29358.5", "29358.0007"])
    def test_a_date_cell_with_a_time_says_so(self, path: Path, value: str) -> None:
        (error,) = get_errors(of_book(path, record(date_of_birth=Number(value, 22))))
        assert "This value contains a time of day. Remove the time." in error

    @pytest.mark.parametrize("number", [14, 50])
    def test_the_workbooks_own_definition_of_a_number_format_counts(self, path: Path, number: int) -> None:
        price = Number("1200", number)
        book = of_book(path, variant(**{"Selling Price": price}), kind=CATALOGUE, defined={number: "0"})
        assert CATALOGUE.run(book).errors == []
        assert FitnessTracker.objects.get().selling_price == 1200

    def test_a_date_in_a_text_is_an_error(self, path: Path) -> None:
        (error,) = get_errors(of_book(path, record(patient_id=Number("12345", 14))))
        assert "This cell contains a date. Format it as text and enter the text again." in error

    @pytest.mark.parametrize(
        ("value", "form", "shown"),
        [
            ("123", "00000", "00123"),
            ("123456789", "000-00-0000", "123-45-6789"),
            ("12", '"MRN-"0000', "MRN-0012"),
            ("12", "\\P0000", "P0012"),
            ("1234", "#,##0", "1234"),
            ("1234", "0", "1234"),
            ("123456", "000", "123456"),
            ("7", "00;-00", "07"),
            ("12", "0.00", "12"),
        ],
    )
    def test_a_text_is_what_the_sheet_displays(self, path: Path, value: str, form: str, shown: str) -> None:
        assert import_row(of_book(path, record(patient_id=Number(value, form))))["patient_id"] == shown

    def test_a_percentage_is_the_same_error_as_in_csv(self, path: Path) -> None:
        in_book = get_errors(
            of_book(path, variant(**{"Rating (Out of 5)": Number("0.8", "0%")}), kind=CATALOGUE), CATALOGUE
        )
        in_text = get_errors(write_csv(path, [variant(**{"Rating (Out of 5)": "80%"})]), CATALOGUE)
        assert in_book == in_text != []

    def test_a_hidden_sheet_is_not_read(self, path: Path) -> None:
        sheets = {"Archive": table_of(RECORDS, record(name="Old")), "Patients": table_of(RECORDS, record())}
        assert import_row(write_workbook(path, sheets, hidden=["Archive"]))["name"] == "Ada Byron"

    @pytest.mark.parametrize("first", [[["How to fill in this file"]], [["Name", "Ward"], ["Ada", "3"]], []])
    def test_the_sheet_whose_header_fits_is_read(self, path: Path, first: list[list[str]]) -> None:
        result = RECORDS.run(write_workbook(path, {"Read me": first, "Data": table_of(RECORDS, record())}))
        assert result.counts.new == 1
        assert get_parts(result.run)["sheet"].value == "Data"

    def test_another_sheet_that_fits_as_well_is_named(self, path: Path) -> None:
        sheets = {"2024": table_of(RECORDS, record()), "2025": table_of(RECORDS, record(name="Else"))}
        part = get_parts(RECORDS.run(write_workbook(path, sheets)).run)["sheet"]
        assert (part.value, part.certainty, part.params["others"]) == ("2024", "assumed", "2025")

    @pytest.mark.parametrize(
        "above", [[["Patients of ward 3"]], [["ID", "Person", "", "", "Health", "", "", "", "Tracker"]], [[""], ["x"]]]
    )
    def test_titles_and_a_second_header_row_are_skipped(self, path: Path, above: list[list[str]]) -> None:
        book = write_workbook(path, {"Rows": [*above, *table_of(RECORDS, record())]})
        assert STORED.items() <= import_row(book).items()

    def test_an_empty_styled_cell_is_ignored_wherever_it_is(self, path: Path) -> None:
        header, row = table_of(RECORDS, record())
        book = write_workbook(path, {"Rows": [header, [*row, *[Number("", 9)] * 300]]})
        assert STORED.items() <= import_row(book).items()

    def test_escaped_letters_are_read_in_all_kinds_of_cells(self, path: Path) -> None:
        book = of_book(path, record(name=Formula("Ada_x000D_ Byron"), allergies=Formula("a_x005F_x0041_")))
        row = import_row(book)
        assert (row["name"], row["allergies"]) == ("Ada Byron", "a_x0041_")


class TestCells:
    def test_texts_that_look_the_same_are_the_same(self, path: Path) -> None:
        same = ["P1", "P1\u200b", "\ufeffP1", "P\u200d1"]
        write_csv(path, [record(patient_id=number, name="Ada Byron\u200b") for number in same])
        assert import_row(path)["name"] == "Ada Byron"

    def test_texts_are_stored_in_one_normal_form_and_links_stay(self, path: Path) -> None:
        MODELS.run(write_csv(path, [{"Brand Name": "É", "Device Type": "x", "Model Name": "Éclat"}]))
        import_records(write_csv(path, [record(name="José", Tracker="Éclat")]))
        links = list(MedicalRecordTracker.objects.values())
        again = RECORDS.run(write_csv(path, [record(name="Jose\u0301", Tracker="E\u0301clat")]))
        assert (again.counts.unchanged, again.counts.changed) == (1, 0)
        assert list(MedicalRecordTracker.objects.values()) == links != []

    def test_joiners_between_letters_stay(self, path: Path) -> None:
        assert import_row(write_csv(path, [record(name="نیم\u200cکت\u200c")]))["name"] == "نیم\u200cکت"

    def test_invisible_characters_in_other_values_are_ignored(self, path: Path) -> None:
        row = record(date_of_birth="05/17/1980\u200e", gender="F\u200b", medications="\u2060Yes")
        assert STORED.items() <= import_row(write_csv(path, [row])).items()

    def test_an_error_shows_the_code_points_of_invisible_characters(self, path: Path) -> None:
        (error,) = get_errors(write_csv(path, [record(gender="X\u200b")]))
        assert error == "Line 2, gender “X[U+200B]”: Must be F (female), M (male), O (other) or U (unknown)."

    @pytest.mark.parametrize("word", ["NULL", "N/A", "nan", "n/a", "None", "Nil"])
    def test_words_for_none_are_empty_where_a_cell_may_be_empty(self, path: Path, word: str) -> None:
        row = record(medical_conditions=word, allergies=word, last_appointment_date=word, Tracker=word)
        stored = import_row(write_csv(path, [row]))
        assert (stored["medical_conditions"], stored["allergies"], stored["tracker"]) == ("", "", "")
        assert stored["last_appointment_date"] is None

    @pytest.mark.parametrize("name", ["Null", "Nan", "Na"])
    def test_names_that_are_words_for_none_stay(self, path: Path, name: str) -> None:
        assert import_row(write_csv(path, [record(name=name)]))["name"] == name

    @pytest.mark.parametrize("text", ["+ve HIV", "- Penicillin", "@work", "+1", "No known allergies"])
    def test_texts_that_begin_with_a_sign_are_texts(self, path: Path, text: str) -> None:
        assert import_row(write_csv(path, [record(medical_conditions=text)]))["medical_conditions"] == text

    @pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+SUM(1;2)", "-1+2", "+cmd|' /C calc'!A0"])
    def test_formulas_are_errors(self, path: Path, text: str) -> None:
        (error,) = get_errors(write_csv(path, [record(medical_conditions=text)]))
        assert "Looks like a formula." in error

    @pytest.mark.parametrize("text", ["#N/A", "#nv", "#FIELD!", "#Field!", "Err:508", "err:508", "#####", "#BEZUG!"])
    def test_errors_of_spreadsheets_are_errors(self, path: Path, text: str) -> None:
        (error,) = get_errors(write_csv(path, [record(name=text)]))
        assert error.endswith("This is a spreadsheet error. Enter the value instead.")

    @pytest.mark.parametrize("number", ["4.70122E+12", "4,7E12", "1001.0", "1001.00"])
    def test_shortened_patient_numbers_are_errors(self, path: Path, number: str) -> None:
        (error,) = get_errors(write_csv(path, [record(patient_id=number)]))
        assert error.endswith("A spreadsheet has shortened or changed this number. Enter all of its digits as text.")

    def test_a_patient_number_of_more_digits_than_a_spreadsheet_holds_is_an_error(self, path: Path) -> None:
        (error,) = get_errors(of_book(path, record(patient_id=Number("12345678901234567890"))))
        assert "shortened" in error

    def test_genders_and_answers_may_be_words_or_letters(self, path: Path) -> None:
        write_csv(path, RECORDS.rows({"gender": "Female", "medications": "Y"}, {"gender": "male", "medications": "n"}))
        assert [(row["gender"], row["medications"]) for row in import_records(path)] == [("F", True), ("M", False)]

    def test_other_spellings_of_headers_are_known(self, path: Path) -> None:
        known = ["MRN", "Full name", "DOB", "Sex", "Conditions", "Medication", "Allergy", "Last visit", "Device"]
        assert STORED.items() <= import_row(write(path, f"{','.join(known)}\n{ROW}\n")).items()

    def test_messages_quote_columns_as_the_file_spells_them(self, path: Path) -> None:
        write(path, f"{HEADER.replace('date_of_birth', 'DOB')}\n{ROW.replace('05/17/1980', 'soon')}\n")
        (error,) = get_errors(path)
        assert error.startswith("Line 2, DOB “soon”")


class TestDates:
    @pytest.mark.parametrize("text", ["1980-05-17", "1980/05/17", "1980.5.17", "05/17/1980", "5-17-1980", "17.05.1980"])
    @pytest.mark.parametrize(
        "midnight", ["", " 0:00", " 00:00:00", " 12:00:00 AM", "T00:00:00Z", "T00:00:00.000+00:00"]
    )
    def test_midnight_in_any_notation_is_ignored(self, path: Path, text: str, midnight: str) -> None:
        assert import_row(write_csv(path, [record(date_of_birth=text + midnight)]))["date_of_birth"] == date(
            1980, 5, 17
        )

    @pytest.mark.parametrize("time", [" 10:30", "T23:59:59Z", " 12:00 PM", " 1:00:00 AM"])
    def test_another_time_of_day_is_an_error(self, path: Path, time: str) -> None:
        (error,) = get_errors(write_csv(path, [record(date_of_birth=f"05/17/1980{time}")]))
        assert error.endswith("This value contains a time of day. Remove the time.")

    def test_a_year_of_two_digits_is_an_error(self, path: Path) -> None:
        (error,) = get_errors(write_csv(path, [record(date_of_birth="05/17/80")]))
        assert error.endswith("The year has two digits. Write all four.")

    def test_a_birth_more_than_130_years_ago_is_an_error(self, path: Path) -> None:
        (error,) = get_errors(write_csv(path, [record(date_of_birth="1880-05-17")]))
        assert error.endswith("The date of birth is more than 130 years ago. Correct it.")

    def test_a_last_appointment_that_means_never_is_an_error(self, path: Path) -> None:
        (error,) = get_errors(write_csv(path, [record(last_appointment_date="9999-12-31")]))
        assert error.endswith("The date is too far in the future. Correct it, or leave it empty.")

    def test_values_that_prove_an_order_decide_for_the_whole_column(self, path: Path) -> None:
        births = ["01/02/1980", "13/05/1980", "03/04/1990"]
        write_csv(path, RECORDS.rows(*({"date_of_birth": born, "last_appointment_date": ""} for born in births)))
        stored = [row["date_of_birth"] for row in import_records(path)]
        assert stored == [date(1980, 2, 1), date(1980, 5, 13), date(1990, 4, 3)]

    def test_a_proof_far_below_decides_too(self, path: Path) -> None:
        births = ["01/02/1980"] * 5000 + ["13/05/1980"]
        write_csv(path, RECORDS.rows(*({"date_of_birth": born, "last_appointment_date": ""} for born in births)))
        assert import_records(path)[0]["date_of_birth"] == date(1980, 2, 1)

    def test_a_value_far_below_that_contradicts_the_order_asks(self, path: Path) -> None:
        births = ["02/13/1980"] + ["01/02/1980"] * 5000 + ["13/05/1980"]
        write_csv(path, RECORDS.rows(*({"date_of_birth": born} for born in births)))
        assert RECORDS.run(path).reason == "The file can be read in several ways."
        assert not MedicalRecord.objects.exists()

    def test_the_documented_header_decides_where_another_column_proves_its_order(self, path: Path) -> None:
        write_csv(path, [record(last_appointment_date="02/03/2024")])
        assert import_row(path)["last_appointment_date"] == date(2024, 2, 3)

    def test_another_header_asks_for_each_column(self, path: Path) -> None:
        write(path, f"{HEADER.replace('name', 'Full name')}\n{ROW.replace('06/14/2024', '02/03/2024')}\n")
        result = RECORDS.run(path)
        assert [question.name for question in ReadingPlan.from_json(result.run.plan).questions] == [
            "date_order:last_appointment_date"
        ]


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "stored"),
        [
            ("12.000", 12000),
            ("12,000", 12000),
            ("1.299,00", 1299),
            ("1,299.00", 1299),
            ("2 499", 2499),
            ("1,00,000", 100000),
        ],
    )
    def test_marks_are_read_as_the_column_needs_them(self, path: Path, text: str, stored: int) -> None:
        write_csv(path, [variant(**{"Selling Price": text, "Original Price": "200000"})])
        assert CATALOGUE.run(path).errors == []
        assert FitnessTracker.objects.get().selling_price == stored

    def test_a_decimal_comma_is_decided_for_each_column(self, path: Path) -> None:
        write_csv(path, [variant(**{"Selling Price": "1.299,00", "Rating (Out of 5)": "4.1"})], delimiter=";")
        assert CATALOGUE.run(path).errors == []
        assert str(FitnessTracker.objects.get().rating) == "4.1"

    def test_decimals_of_a_whole_number_are_errors(self, path: Path) -> None:
        rows = CATALOGUE.rows({"Selling Price": "1.299,00"}, {"Selling Price": "1299,50"})
        (error,) = get_errors(write_csv(path, rows, delimiter=";"), CATALOGUE)
        assert error.startswith("Line 3, Selling Price “1299,50”: Not a whole number.")

    def test_a_value_of_another_notation_is_an_error_where_no_value_has_two_meanings(self, path: Path) -> None:
        ratings = ["4.1", "4.2", "4,3"]
        (error,) = get_errors(
            write_csv(path, CATALOGUE.rows(*({"Rating (Out of 5)": each} for each in ratings))), CATALOGUE
        )
        assert error.startswith("Line 4, Rating (Out of 5) “4,3”: Not a number.")
