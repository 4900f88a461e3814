import csv
import io
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal

import pytest
from django.http import StreamingHttpResponse
from openpyxl import load_workbook

from healthtrack.core.downloads import responses, xlsx_writer
from healthtrack.core.downloads.responses import Sheet, stream_csv, stream_xlsx

# When a response is closed, Django checks the database connections.
pytestmark = pytest.mark.django_db

COLUMNS = ("Patient number", "Name")


def read_csv(sheet: Sheet) -> list[list[str]]:
    content = stream_csv(sheet).getvalue().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(content, newline="")))


def read_xlsx(sheet: Sheet) -> dict[str, list[tuple[object, ...]]]:
    response = stream_xlsx(sheet)
    book = load_workbook(io.BytesIO(response.getvalue()))
    response.close()
    return {page.title: list(page.iter_rows(values_only=True)) for page in book}


@pytest.mark.parametrize("text", ["=1+1", "+49", "-1", "@SUM(A1)", "\t=1", "==1", "'=1", '=HYPERLINK("http://a")'])
def test_text_that_looks_like_a_formula_is_escaped(text: str) -> None:
    sheet = Sheet("names", COLUMNS, [("P1", text)])
    assert read_csv(sheet)[1] == ["P1", f"'{text}"]
    assert read_xlsx(sheet)["Sheet"][1] == ("P1", f"'{text}")


def test_numbers_stay_numbers_in_xlsx() -> None:
    numbers = (-3, 4.25, Decimal("4.1"), 1_000_000_007, None)
    (_, row) = read_xlsx(Sheet("numbers", COLUMNS, [numbers]))["Sheet"]
    assert row == (-3, 4.25, 4.1, 1_000_000_007, None)


def test_dates_stay_dates_in_xlsx() -> None:
    days = (date(1900, 3, 1), date(2024, 2, 29), date(9999, 12, 31))
    (_, row) = read_xlsx(Sheet("days", COLUMNS, [days]))["Sheet"]
    assert [cell.date() for cell in row if isinstance(cell, datetime)] == list(days)


@pytest.mark.parametrize("text", ["a,b", 'say "a"', "two\nlines", "José Núñez 李", " x ", "<b>&amp;", "_x0041_", "_x"])
def test_any_text_is_written_unchanged(text: str) -> None:
    sheet = Sheet("names", COLUMNS, [("P1", text)])
    assert read_csv(sheet)[1] == ["P1", text]
    assert read_xlsx(sheet)["Sheet"][1] == ("P1", text)


def test_characters_that_xlsx_cannot_hold_are_replaced() -> None:
    assert read_xlsx(Sheet("names", COLUMNS, [("P1", "a\x01b\uffff")]))["Sheet"][1] == ("P1", "a\ufffdb\ufffd")


def test_a_file_without_rows_has_a_header() -> None:
    sheet = Sheet("names", COLUMNS, [])
    assert read_csv(sheet) == [list(COLUMNS)]
    assert read_xlsx(sheet) == {"Sheet": [COLUMNS]}


@pytest.mark.parametrize("download", [stream_csv, stream_xlsx])
def test_a_file_is_streamed_while_its_rows_are_read(download: Callable[[Sheet], StreamingHttpResponse]) -> None:
    read: list[int] = []

    def rows() -> Iterator[tuple[str, int]]:
        for number in range(3 * responses.CHUNK_ROWS):
            read.append(number)
            yield "P", number

    response = download(Sheet("names", COLUMNS, rows()))
    assert read == []
    next(iter(response))
    assert len(read) == responses.CHUNK_ROWS


def test_a_csv_file_of_many_rows_holds_each_row_once() -> None:
    rows = [("P", number) for number in range(2 * responses.CHUNK_ROWS + 1)]
    assert [int(number) for _, number in read_csv(Sheet("names", COLUMNS, rows))[1:]] == [number for _, number in rows]


def test_rows_continue_in_another_worksheet_when_one_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_writer, "MAX_ROW", 3)
    pages = read_xlsx(Sheet("names", COLUMNS, [("P", number) for number in range(5)]))
    assert list(pages.values()) == [
        [COLUMNS, ("P", 0), ("P", 1)],
        [COLUMNS, ("P", 2), ("P", 3)],
        [COLUMNS, ("P", 4)],
    ]
