"""Rows as a file that leaves while they are still read: however many they are, no more than a batch is held."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.http import StreamingHttpResponse

from healthtrack.core.formula_escaping import BYTE_ORDER_MARK, neutralised
from healthtrack.core.xlsx_writer import XLSX_TYPE, Cell, workbook

ROWS_A_CHUNK = 1000


@dataclass(frozen=True)
class Sheet:
    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    is_guarded: bool = False  # whether a text that looks like a formula is made one that does not

    @property
    def lines(self) -> Iterable[Sequence[Cell]]:
        return self.rows if self.is_guarded else map(_guarded, self.rows)


def as_csv(sheet: Sheet) -> StreamingHttpResponse:
    return _response(_csv_chunks(sheet), "text/csv; charset=utf-8", f"{sheet.name}.csv")


def as_xlsx(sheet: Sheet) -> StreamingHttpResponse:
    return _response(workbook(sheet.columns, sheet.lines), XLSX_TYPE, f"{sheet.name}.xlsx")


FORMATS: dict[str, Callable[[Sheet], StreamingHttpResponse]] = {"csv": as_csv, "xlsx": as_xlsx}


def _response(chunks: Iterator[str] | Iterator[bytes], content_type: str, file_name: str) -> StreamingHttpResponse:
    disposition = f'attachment; filename="{file_name}"'
    return StreamingHttpResponse(chunks, content_type=content_type, headers={"Content-Disposition": disposition})


def _csv_chunks(sheet: Sheet) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(BYTE_ORDER_MARK)
    writer.writerow(sheet.columns)
    for number, line in enumerate(sheet.lines, start=1):
        writer.writerow(line)
        if number % ROWS_A_CHUNK == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _guarded(row: Sequence[Cell]) -> list[Cell]:
    return [neutralised(cell) if isinstance(cell, str) else cell for cell in row]
