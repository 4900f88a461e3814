"""Every bad file is reported with all its errors, by the command and the upload page, and nothing changes."""

import os
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils.html import escape

from healthtrack.imports.models import State
from healthtrack.imports.reading import open_table
from tests.support.commands import run_manage
from tests.support.databases import database_of_the_tests
from tests.support.factories import tracker_model, variant
from tests.support.import_files import (
    CATALOGUE,
    FIXTURES,
    RECORDS,
    Kind,
    Row,
    tables,
    write_csv,
    write_parts,
    write_xlsx,
)
from tests.support.import_pages import last_run, upload, uploads_of
from tests.support.signing_in import SignIn
from tests.support.workbooks import SHEET, make_parts

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

EMPTY = "The file is empty. Upload a file with a header line and rows below it."
NO_COLUMN = "No column has an expected name. Check that this is the right file, and that its header is complete."
NO_TABLE = "This is not a CSV, TSV or XLSX file. Save the table in one of these formats."
NO_WORKBOOK = "This is not a readable XLSX workbook. Save it again as XLSX or as CSV."
NOT_UTF_8 = "Not encoded in UTF-8. Save the file as “CSV UTF-8”."
HEADER_ONLY = "Line 1: The file has a header but no rows. Add rows below it."
OPEN_QUOTE = "A quote is opened but not closed. Close it or remove it."
QUOTE_WITHIN = "A quote ends inside a cell. Double each quote that belongs to the text."
MISSING = "A value is required. Fill it in."
FORMULA = "Looks like a formula. Enter its value, or put ' before it to import it as text."
ERROR = "This is a spreadsheet error. Enter the value instead."
CONTROL = "Contains an invisible control character. Remove it."
NO_DATE = "Not a valid date. Use MM/DD/YYYY or YYYY-MM-DD."
NOT_WHOLE = "Not a whole number. Use digits only, such as 2499."
NO_NUMBER = "Not a number. Use digits and a decimal point, such as 4.1."
TOO_HIGH = "Must be at most 2,147,483,647."
TOO_MANY_DIGITS = "Has too many digits. Correct it."
NEGATIVE = "Must be at least 0."
PRICE_TOO_HIGH = "Higher than the original price. Correct one of them."
BEFORE_BIRTH = "Date is before the date of birth. Correct one of them."
IN_FUTURE = "Date is in the future. Correct it."
NO_GENDER = "Must be F (female), M (male), O (other) or U (unknown)."
NO_ANSWER = "Must be Yes or No."
TERM_TOO_LONG = "{} is longer than 500 characters. Shorten it, or separate its parts with commas."
TOO_LONG = "Longer than {} characters. Shorten it."
RAGGED = "Put quotes around text that contains the separator, and add missing cells."
BATTERY, RATING = "Average Battery Life (in days)", "Rating (Out of 5)"

Errors = Sequence[str]


def at(line: int, column: str, value: str, reason: str) -> str:
    return f"Line {line}, {column}{f' “{value}”' if value else ''}: {reason}"


def row_at(line: int, path: Path, reason: str) -> str:
    row = path.read_text("utf-8-sig").splitlines()[line - 1]
    return f"Line {line} “{row if len(row) <= 100 else row[:100] + '…'}”: {reason}"


def several(first_line: int, column: str, reason: str, *values: str) -> list[str]:
    return [at(line, column, value, reason) for line, value in enumerate(values, first_line)]


def eastern(number: str) -> str:
    """Return the number in Arabic digits, which PostgreSQL does not read."""
    return number.translate({ord("0") + digit: 0x660 + digit for digit in range(10)})


def formulas(*columns: str) -> list[str]:
    return [at(line, column, "=1+1", FORMULA) for line, column in enumerate(columns, 8)]


def too_long(first_line: int, lengths: dict[str, int]) -> list[str]:
    return [
        at(line, column, "é" * min(most + 1, 100) + "…" * (most >= 100), TOO_LONG.format(most))
        for line, (column, most) in enumerate(lengths.items(), first_line)
    ]


# Files that are not tables, whichever kind is expected.
NO_TABLES: dict[str, Errors] = {
    "files/archive.zip": [NO_WORKBOOK],
    "files/document.pdf": [NO_TABLE],
    "files/empty.csv": [EMPTY],
    "files/empty_sheet.xlsx": ["The sheet is empty. Put the table there, or choose another sheet."],
    "files/objects.json": [NO_TABLE],
    "files/old.xls": ["This is an old or encrypted Excel file. Save it as XLSX without a password."],
    "files/only_blank_lines.csv": [EMPTY],
    "files/only_bom.csv": [EMPTY],
    "files/page.html": [NO_TABLE],
    "files/picture.png": [NO_TABLE],
}


def errors_of_both_kinds(kind: Kind, dropped: str, text: str, bad: str, reason: str) -> dict[str, Errors]:
    """Return the errors of the files that exist for both kinds. Most files have a bad cell further down too."""

    def cell(line: int) -> str:
        return at(line, "gender" if kind is RECORDS else "Reviews", bad, reason)

    width = len(kind.row)
    folder = FIXTURES / ("records" if kind is RECORDS else "catalogue")
    return {
        "blank_lines.csv": [cell(6)],
        "blank_lines_first.csv": [cell(6)],
        "control_characters.csv": several(
            2, text, CONTROL, *(f"Ada[U+{code}]Byron" for code in ("0001", "001B", "007F", "0092", "FFFE"))
        ),
        "cr_only.csv": [cell(3)],
        "csv_by_name.csv": [cell(3)],
        "doubled_column.csv": [
            f"Line 1, header “{dropped} and {dropped.upper()}”: Appears 2 times in the header. Keep one of the columns."
        ],
        "header_only.csv": [HEADER_ONLY],
        "missing_column.csv": [f"Line 1, header: The column {dropped} is missing. Add it to the header."],
        "missing_columns.csv": [f"Line 1, header “notes, remarks”: {NO_COLUMN}"],
        "newline_in_cell.csv": [cell(6), cell(8)] if kind is RECORDS else [cell(5), cell(7)],
        "nul.csv": [at(3, text, "Ada[U+0000]Byron", "Contains a NUL character. Remove it.")],
        "nul_in_header.csv": [NO_TABLE],
        "quote_open_in_first_row.csv": [row_at(2, folder / "quote_open_in_first_row.csv", OPEN_QUOTE), cell(3)],
        "quote_open_in_last_row.csv": [cell(3), row_at(5, folder / "quote_open_in_last_row.csv", OPEN_QUOTE)],
        "quote_open_in_middle_row.csv": [cell(3), row_at(4, folder / "quote_open_in_middle_row.csv", OPEN_QUOTE)],
        "quote_within_cell.csv": [row_at(3, folder / "quote_within_cell.csv", QUOTE_WITHIN), cell(4)],
        "lone_quote.csv": [row_at(3, folder / "lone_quote.csv", OPEN_QUOTE), cell(5)],
        "ragged.csv": [
            row_at(3, folder / "ragged.csv", f"Has {width + 2} cells, but the header has {width}. {RAGGED}"),
            row_at(4, folder / "ragged.csv", f"Has 2 cells, but the header has {width}. {RAGGED}"),
            cell(5),
        ],
        "replacement_character.csv": [at(3, text, "Ad\ufffd", NOT_UTF_8)],
        "semicolons.csv": [cell(3)],
        "tabs.tsv": [cell(3)],
        "truncated.xlsx": [NO_WORKBOOK],
        "workbook_by_name.xlsx": [cell(3)],
    }


OF_RECORDS: dict[str, Errors] = {
    **errors_of_both_kinds(RECORDS, "gender", "name", "X", NO_GENDER),
    "dates.csv": [
        *several(2, "date_of_birth", NO_DATE, "02/30/2020", "13/13/2020"),
        at(4, "date_of_birth", "01/02/20", "The year has two digits. Write all four."),
        *several(5, "date_of_birth", "Date is before the year 1. Correct it.", "01/01/0000", "0000-01-01"),
        *several(7, "date_of_birth", NO_DATE, "2020-02-30", "17 Marx 1980", "1980"),
        at(11, "date_of_birth", "05/17/1980 10:30", "This value contains a time of day. Remove the time."),
        *several(12, "date_of_birth", NO_DATE, eastern("05/17/1980"), "12345", "02/29/2023"),
        *several(15, "last_appointment_date", NO_DATE, "06/31/2024", "soon"),
    ],
    "dates_in_order.csv": [
        at(3, "last_appointment_date", "06/14/2024", BEFORE_BIRTH),
        at(5, "date_of_birth", "01/01/9999", IN_FUTURE),
        at(6, "date_of_birth", "01/01/9999", IN_FUTURE),
        at(6, "last_appointment_date", "06/14/2024", BEFORE_BIRTH),
    ],
    "differing.csv": [
        at(2, "patient_id", "A", "Also in line 4, with a different name. Keep one row."),
        at(4, "patient_id", "A", "Also in line 2, with a different name. Keep one row."),
        *(
            at(
                line,
                "patient_id",
                "C",
                f"Also in lines {others}, with a different gender, last_appointment_date. Keep one row.",
            )
            for line, others in ((6, "7, 8"), (7, "6, 8"), (8, "6, 7"))
        ),
    ],
    "formula.xlsx": [
        at(3, "name", "=1+1", FORMULA),
        at(4, "gender", "X", NO_GENDER),
        at(5, "name", "#N/A", ERROR),
    ],
    "formulas.csv": [
        at(2, "name", "=1+1", FORMULA),
        *several(6, "name", FORMULA, ' =HYPERLINK("http://x")', "\t@SUM(A1)"),
        *formulas(*(column for column in RECORDS.row if column != "name")),
    ],
    "gender.csv": [
        at(3, "gender", "X", NO_GENDER),
        at(5, "gender", "", MISSING),
        at(7, "gender", "FM", NO_GENDER),
    ],
    "medications.csv": [
        *several(3, "medications", NO_ANSWER, "maybe", "2"),
        at(5, "medications", "None", MISSING),
    ],
    "missing_values.csv": [
        at(2, "patient_id", "", MISSING),
        at(3, "name", " ", MISSING),
        at(4, "date_of_birth", "none", MISSING),
        at(5, "gender", "", MISSING),
        at(5, "medications", "", MISSING),
    ],
    "too_long.csv": [
        *too_long(7, {"patient_id": 50, "name": 200}),
        at(9, "medical_conditions", "é" * 100 + "…", TERM_TOO_LONG.format("A condition")),
        at(10, "allergies", "é" * 100 + "…", TERM_TOO_LONG.format("An allergy")),
        *too_long(11, {"Tracker": 300}),
    ],
}

OF_CATALOGUE: dict[str, Errors] = {
    **errors_of_both_kinds(CATALOGUE, "Original Price", "Model Name", "many", NOT_WHOLE),
    "formula.xlsx": [
        at(3, "Model Name", "=1+1", FORMULA),
        at(3, "Reviews", "=SUM(1,2)", FORMULA),
        at(4, "Reviews", "many", NOT_WHOLE),
        at(5, "Model Name", "#N/A", ERROR),
    ],
    "formulas.csv": [
        at(2, "Model Name", "=1+1", FORMULA),
        *several(6, "Model Name", FORMULA, ' =HYPERLINK("http://x")', "\t@SUM(A1)"),
        *formulas(*(column for column in CATALOGUE.row if column != "Model Name")),
        at(18, "Reviews", "+1", NOT_WHOLE),
        at(19, "Reviews", "-1", NEGATIVE),
        at(20, "Reviews", "@x", FORMULA),
        at(21, RATING, "-x", FORMULA),
    ],
    "huge_numbers.csv": [
        at(3, "Original Price", "2147483648", TOO_HIGH),
        at(4, "Original Price", "9,223,372,036,854,775,808", TOO_MANY_DIGITS),
        at(5, BATTERY, "99999999999", TOO_HIGH),
        at(6, "Reviews", "4294967296", TOO_HIGH),
        at(7, "Reviews", "1" * 100, TOO_MANY_DIGITS),
        at(8, BATTERY, "-" + "9" * 30, TOO_MANY_DIGITS),
    ],
    "missing_values.csv": [
        at(2, "Brand Name", "", MISSING),
        at(3, "Device Type", "None", MISSING),
        at(4, "Model Name", " ", MISSING),
        at(5, "Selling Price", "", MISSING),
        at(6, "Original Price", "none", MISSING),
        at(7, BATTERY, "", MISSING),
    ],
    "numbers_in_words.csv": [
        at(2, "Selling Price", "two thousand", NOT_WHOLE),
        at(3, "Original Price", "many", NOT_WHOLE),
        at(4, RATING, "good", NO_NUMBER),
        at(5, BATTERY, "two weeks", NOT_WHOLE),
        at(6, "Reviews", "some", NOT_WHOLE),
        at(7, "Reviews", eastern("2499"), NOT_WHOLE),
    ],
    "prices.csv": [
        at(2, "Selling Price", "-1", NEGATIVE),
        at(3, "Original Price", "-2,999", NEGATIVE),
        at(3, "Selling Price", "2,499", PRICE_TOO_HIGH),
        at(4, "Selling Price", "3,000", PRICE_TOO_HIGH),
        at(7, "Selling Price", "2499.50", NOT_WHOLE),
        at(9, "Selling Price", "24,99", NOT_WHOLE),
        at(10, "Selling Price", "€2,499", "Has another unit, or other text. Enter whole rupees, with digits only."),
    ],
    "ratings.csv": [
        at(2, RATING, "7", "Must be at most 5."),
        at(3, RATING, "4.15", "Has more than 1 decimal place. Round it."),
        at(4, RATING, "five", NO_NUMBER),
        at(5, RATING, "5.1", "Must be at most 5."),
        at(6, RATING, "-0.1", NEGATIVE),
        *several(10, RATING, NO_NUMBER, "4,1", eastern("4.1")),
        at(13, RATING, "1e0", NO_NUMBER),
        at(14, RATING, "9" * 100 + "…", "Must be at most 5."),
    ],
    "too_long.csv": too_long(
        8,
        {
            "Brand Name": 100,
            "Device Type": 50,
            "Model Name": 200,
            "Color": 100,
            "Display": 100,
            "Strap Material": 100,
        },
    ),
}

INVALID = [
    *((kind, FIXTURES / name, errors) for kind in (RECORDS, CATALOGUE) for name, errors in NO_TABLES.items()),
    *((RECORDS, FIXTURES / "records" / name, errors) for name, errors in OF_RECORDS.items()),
    *((CATALOGUE, FIXTURES / "catalogue" / name, errors) for name, errors in OF_CATALOGUE.items()),
]
IDS = [f"{kind.resource.__name__} {path.relative_to(FIXTURES)}" for kind, path, _ in INVALID]
each_invalid_file = pytest.mark.parametrize(("kind", "path", "errors"), INVALID, ids=IDS)


# Unusual files without errors: the rows read, and whether a column is ignored.
VALID = {
    (RECORDS, "records/blank_lines_between.csv"): (3, False),
    (RECORDS, "records/cp1252.csv"): (3, False),
    (RECORDS, "records/unknown_column.csv"): (3, True),
    (RECORDS, "records/unusual_names.csv"): (12, False),
    (CATALOGUE, "catalogue/blank_lines_between.csv"): (3, False),
    (CATALOGUE, "catalogue/cp1252.csv"): (3, False),
    (CATALOGUE, "catalogue/unknown_column.csv"): (3, True),
    **{
        (kind, f"{folder}/{name}"): (1, False)
        for kind, folder in ((RECORDS, "records"), (CATALOGUE, "catalogue"))
        for name in ("utf16.csv", "utf16_without_mark.csv")
    },
}


@pytest.mark.parametrize(("kind", "name"), VALID)
def test_unusual_files_without_errors_are_imported(kind: Kind, name: str) -> None:
    result = kind.run(FIXTURES / name)
    assert result.errors == []
    assert (result.counts.new, bool(result.notices)) == VALID[kind, name]


def test_every_fixture_is_tested() -> None:
    tested = {path for _, path, _ in INVALID} | {FIXTURES / name for _, name in VALID}
    assert tested == set(FIXTURES.glob("*/*"))


ENDING = "The name of the file must end in .csv, .tsv, .txt or .xlsx. Save the table in one of these formats."
# The form refuses these files; the command reads them whatever their names are.
REFUSED_BY_THE_FORM = {
    "empty.csv": "The file is empty. Choose another one.",
    **dict.fromkeys(("archive.zip", "document.pdf", "objects.json", "old.xls", "page.html", "picture.png"), ENDING),
    "csv_by_name.csv": (
        "The name ends in .csv, but the file is a workbook or an archive. Save the table as CSV or XLSX."
    ),
    "workbook_by_name.xlsx": (
        "The name ends in .xlsx, but this is not an Excel workbook. Save the table as XLSX, or rename the file."
    ),
}


def get_command_errors(kind: Kind, path: Path) -> list[str]:
    stderr = StringIO()
    with pytest.raises(CommandError, match=r"^Nothing was imported"):
        call_command(kind.command, path, stdout=StringIO(), stderr=stderr)
    lines = stderr.getvalue().removesuffix("\n").split("\n")
    return [line for line in lines if not line.startswith("Decimal mark in ")]  # what was assumed follows the errors


def store_something() -> None:
    """Store a row, to see that it is not lost."""
    variant(tracker_model())


@each_invalid_file
def test_the_command_lists_every_error_and_changes_nothing(kind: Kind, path: Path, errors: Errors) -> None:
    store_something()
    before = tables()
    assert get_command_errors(kind, path) == list(errors)
    assert tables() == before


@each_invalid_file
def test_the_upload_page_shows_every_error_and_changes_nothing(
    kind: Kind, path: Path, errors: Errors, sign_in: SignIn, data_folder: Path
) -> None:
    store_something()
    before = tables()
    page = upload(sign_in(*kind.steward), kind, path)
    assert page.status_code == 200
    assert tables() == before
    if path.name in REFUSED_BY_THE_FORM:
        assert page.context["form"].errors == {"import_file": [REFUSED_BY_THE_FORM[path.name]]}
        return
    found = page.context["page"].preview.view.errors
    assert [str(error) for error in found] == list(errors)
    shown = page.content.decode()
    run = last_run()
    if not run.read_count:  # no rows, only what to do
        assert all(f"<li>{escape(error)}</li>" in shown for error in found)
        assert "Upload another file" in shown
        assert "Download the invalid rows" not in shown
    for error in found if run.read_count else ():
        assert escape(error.reason) in shown
        assert f"<code>{escape(error.shown_value)}</code>" in shown or not error.value
        row = f'data-label="Line">{error.line}</th><td data-label="Column">{escape(error.column)}'
        assert row in shown or not error.line
    assert "Import this file" not in shown
    assert [path.name for path in (data_folder / "uploads").iterdir()] == uploads_of(run)
    assert bool(uploads_of(run)) == (run.state == State.CHECKED)


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_a_row_with_only_a_formula_is_read_and_invalid(
    tmp_path: Path, write: Callable[[Path, Sequence[Row]], Path]
) -> None:
    path = write(tmp_path / "rows", RECORDS.rows({}, dict.fromkeys(RECORDS.row, "") | {"name": "=1+1"}))
    result = RECORDS.run(path)
    assert (result.rows_read, result.rows_invalid) == (2, 1)
    assert at(3, "name", "=1+1", FORMULA) in map(str, result.errors)


def test_a_workbook_that_is_damaged_after_many_rows_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("healthtrack.imports.reading.workbook.BATCH_ROWS", 1)
    rows = [list(RECORDS.row), *([str(cell) for cell in row.values()] for row in RECORDS.rows(*[{}] * 1000))]
    parts = make_parts(rows)
    path = write_parts(tmp_path / "damaged.xlsx", {**parts, SHEET: parts[SHEET][:-100]})
    with open_table(path) as table:
        assert not next(table.batches).is_empty()
    assert get_command_errors(RECORDS, path) == [NO_WORKBOOK]


class TestLargeFiles:
    @pytest.mark.parametrize("kind", [RECORDS, CATALOGUE], ids=str)
    @pytest.mark.parametrize("surroundings", ["{}", "Ada, {}", 'Ada ""{}'])
    def test_a_cell_of_10_mb_is_named(self, tmp_path: Path, kind: Kind, surroundings: str) -> None:
        column = "name" if kind is RECORDS else "Display"
        text = surroundings.format("x" * 10_000_000)
        path = write_csv(tmp_path / "big.csv", kind.rows({}, {column: text}, {list(kind.row)[2]: ""}))
        (long, after) = get_command_errors(kind, path)
        assert long.startswith(f"Line 3, {column} “")
        assert long.endswith("…”: Longer than 131,072 characters. Shorten it.")
        assert len(long) < 200
        assert after.startswith("Line 4, ")

    def test_a_cell_of_10_mb_of_many_lines_is_an_open_quote(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "big.csv", RECORDS.rows({}, {"name": ("x" * 100_000 + "\n") * 100}))
        first, *others = get_command_errors(RECORDS, path)
        assert first.endswith(f"xxx…”: {OPEN_QUOTE}")
        assert len(others) == 100

    def test_a_header_of_10_mb_is_rejected(self, tmp_path: Path) -> None:
        path = tmp_path / "big.csv"
        path.write_text("x" * 10_000_000)
        assert get_command_errors(RECORDS, path) == [
            "Line 1: A column name is longer than 131,072 characters. Begin the file with the header line."
        ]

    @pytest.mark.parametrize("write", [write_csv, write_xlsx])
    def test_ten_thousand_invalid_rows_are_all_reported(
        self, tmp_path: Path, sign_in: SignIn, write: Callable[[Path, Sequence[Row]], Path]
    ) -> None:
        name = "rows.csv" if write is write_csv else "rows.xlsx"
        path = write(tmp_path / name, RECORDS.rows(*[{"date_of_birth": "soon"}] * 10_000))
        assert get_command_errors(RECORDS, path) == several(2, "date_of_birth", NO_DATE, *["soon"] * 10_000)
        page = upload(sign_in(*RECORDS.steward), RECORDS, path)
        assert page.status_code == 200
        assert page.content.count(b"<code>soon</code>") == 50
        assert "Errors: 1 to 50 of 10,000" in " ".join(page.content.decode().split())
        assert "Every row of the file has an error." in page.content.decode()

    def test_ten_thousand_rows_of_one_patient_name_a_few_lines_each(self, tmp_path: Path) -> None:
        rows = RECORDS.rows(*({"patient_id": "A", "name": f"Ada {number}"} for number in range(10_000)))
        errors = get_command_errors(RECORDS, write_csv(tmp_path / "rows.csv", rows))
        assert len(errors) == 10_000
        assert errors[0].endswith("Also in lines 3, 4, 5, 6, 7 and 9,994 more, with a different name. Keep one row.")
        assert "lines 2, 3, 4, 5, 6 and 9,994 more" in errors[-1]

    def test_a_zip_bomb_is_rejected(self, tmp_path: Path) -> None:
        path = write_parts(tmp_path / "bomb.xlsx", {"xl/workbook.xml": "", "xl/bomb.xml": bytes(50_000_000)})
        assert get_command_errors(RECORDS, path) == [
            "The file unpacks to far more than its size. Save the table as CSV."
        ]


class TestCommand:
    @pytest.mark.usefixtures("areas_dropped")
    @pytest.mark.parametrize(("name", "errors"), [("gender.csv", 3), ("too_long.csv", 5)])
    def test_it_ends_with_status_1_and_no_traceback(self, tmp_path: Path, name: str, errors: int) -> None:
        before = tables()
        environment = {"DATABASE_URL": database_of_the_tests().url, "HEALTHTRACK_DATA_DIR": str(tmp_path)}
        done = run_manage({**os.environ, **environment}, RECORDS.command, FIXTURES / "records" / name)
        assert done.returncode == 1
        assert done.stdout == ""
        *lines, last = done.stderr.splitlines()
        assert lines == list(OF_RECORDS[name])
        assert last.startswith(f"CommandError: Nothing was imported: {errors} of ")
        assert tables() == before
