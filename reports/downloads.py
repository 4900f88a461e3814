"""A report's rows as a file: the same columns and order as on the page, and all of its rows."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from healthtrack.spreadsheets import BYTE_ORDER_MARK, neutralised

ROWS_A_CHUNK = 1000
HIGHEST_XLSX_ROW = 1_048_576
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Cell = str | int | float


@dataclass(frozen=True)
class Sheet:
    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def as_csv(sheet: Sheet) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        _csv_chunks(sheet),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{sheet.name}.csv"'},
    )


def as_xlsx(sheet: Sheet) -> FileResponse:
    book = Workbook(write_only=True)
    page = _page(book, sheet)
    for number, row in enumerate(sheet.rows):
        if number and number % (HIGHEST_XLSX_ROW - 1) == 0:
            page = _page(book, sheet)
        page.append([_printable(cell) for cell in _guarded(row)])
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the response closes it)
    book.save(file)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{sheet.name}.xlsx", content_type=XLSX_TYPE)


FORMATS: dict[str, Callable[[Sheet], HttpResponseBase]] = {"csv": as_csv, "xlsx": as_xlsx}


def _csv_chunks(sheet: Sheet) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(BYTE_ORDER_MARK)
    writer.writerow(sheet.columns)
    for number, row in enumerate(sheet.rows, start=1):
        writer.writerow(_guarded(row))
        if number % ROWS_A_CHUNK == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _page(book: Workbook, sheet: Sheet) -> WriteOnlyWorksheet:
    page: WriteOnlyWorksheet = book.create_sheet()
    page.append(sheet.columns)
    return page


def _guarded(row: Sequence[Cell]) -> list[Cell]:
    return [neutralised(cell) if isinstance(cell, str) else cell for cell in row]


def _printable(cell: Cell) -> Cell:
    """The control characters that PostgreSQL keeps and XLSX has no way to write become the replacement mark."""
    return ILLEGAL_CHARACTERS_RE.sub("\ufffd", cell) if isinstance(cell, str) else cell
