import csv
import io
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal

import pytest
from django.http import StreamingHttpResponse
from openpyxl import load_workbook

from healthtrack.core import downloads, xlsx_writer
from healthtrack.core.downloads import Sheet, as_csv, as_xlsx

# Closing a response ends a request, after which Django looks at its connections.
pytestmark = pytest.mark.django_db

COLUMNS = ("Patient number", "Name")


def read_csv(sheet: Sheet) -> list[list[str]]:
    content = as_csv(sheet).getvalue().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(content, newline="")))


def read_xlsx(sheet: Sheet) -> dict[str, list[tuple[object, ...]]]:
    response = as_xlsx(sheet)
    book = load_workbook(io.BytesIO(response.getvalue()))
    response.close()
    return {page.title: list(page.iter_rows(values_only=True)) for page in book}


@pytest.mark.parametrize("text", ["=1+1", "+49", "-1", "@SUM(A1)", "\t=1", "==1", "'=1", '=HYPERLINK("http://a")'])
def test_text_like_a_formula_stays_text(text: str) -> None:
    sheet = Sheet("names", COLUMNS, [("P1", text)])
    assert read_csv(sheet)[1] == ["P1", f"'{text}"]
    assert read_xlsx(sheet)["Sheet"][1] == ("P1", f"'{text}")


def test_figures_stay_figures_in_xlsx() -> None:
    figures = (-3, 4.25, Decimal("4.1"), 1_000_000_007, None)
    (_, row) = read_xlsx(Sheet("figures", COLUMNS, [figures]))["Sheet"]
    assert row == (-3, 4.25, 4.1, 1_000_000_007, None)


def test_days_stay_days_in_xlsx() -> None:
    days = (date(1900, 3, 1), date(2024, 2, 29), date(9999, 12, 31))
    (_, row) = read_xlsx(Sheet("days", COLUMNS, [days]))["Sheet"]
    assert [cell.date() for cell in row if isinstance(cell, datetime)] == list(days)


@pytest.mark.parametrize("text", ["a,b", 'say "a"', "two\nlines", "José Núñez 李", " x ", "<b>&amp;", "_x0041_", "_x"])
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    sheet = Sheet("names", COLUMNS, [("P1", text)])
    assert read_csv(sheet)[1] == ["P1", text]
    assert read_xlsx(sheet)["Sheet"][1] == ("P1", text)


def test_what_xlsx_cannot_write_is_marked() -> None:
    assert read_xlsx(Sheet("names", COLUMNS, [("P1", "a\x01b\uffff")]))["Sheet"][1] == ("P1", "a\ufffdb\ufffd")


def test_a_file_without_rows_still_names_its_columns() -> None:
    sheet = Sheet("names", COLUMNS, [])
    assert read_csv(sheet) == [list(COLUMNS)]
    assert read_xlsx(sheet) == {"Sheet": [COLUMNS]}


@pytest.mark.parametrize("download", [as_csv, as_xlsx])
def test_a_file_leaves_while_its_rows_are_still_read(download: Callable[[Sheet], StreamingHttpResponse]) -> None:
    read: list[int] = []

    def rows() -> Iterator[tuple[str, int]]:
        for number in range(3 * downloads.ROWS_A_CHUNK):
            read.append(number)
            yield "P", number

    response = download(Sheet("names", COLUMNS, rows()))
    assert read == []
    next(iter(response))
    assert len(read) == downloads.ROWS_A_CHUNK


def test_csv_of_many_rows_holds_each_once() -> None:
    rows = [("P", number) for number in range(2 * downloads.ROWS_A_CHUNK + 1)]
    assert [int(number) for _, number in read_csv(Sheet("names", COLUMNS, rows))[1:]] == [number for _, number in rows]


def test_rows_beyond_the_last_of_a_worksheet_go_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_writer, "HIGHEST_ROW", 3)
    pages = read_xlsx(Sheet("names", COLUMNS, [("P", number) for number in range(5)]))
    assert list(pages.values()) == [
        [COLUMNS, ("P", 0), ("P", 1)],
        [COLUMNS, ("P", 2), ("P", 3)],
        [COLUMNS, ("P", 4)],
    ]
