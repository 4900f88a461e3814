"""Stream rows as a CSV or XLSX file. However many there are, memory holds only one chunk of them."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from healthtrack.core.downloads.formula_escaping import BYTE_ORDER_MARK, escape_formula
from healthtrack.core.downloads.xlsx_writer import XLSX_TYPE, Cell, write_workbook
from healthtrack.core.replicas.routing import get_stream_alias

CHUNK_ROWS = 1000


@dataclass(frozen=True)
class Sheet:
    """The table that a file holds.

    `heading` are rows above the columns, and `totals` rows below the others. CSV, which programs read, has neither.
    """

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    is_escaped: bool = False  # whether text that looks like a formula is escaped already
    heading: Sequence[Sequence[Cell]] = ()
    totals: Sequence[Sequence[Cell]] = ()

    @property
    def escaped_rows(self) -> Iterable[Sequence[Cell]]:
        """The rows, in which a spreadsheet program takes no text for a formula."""
        return self.rows if self.is_escaped else map(_escape_formulas, self.rows)


def stream_csv(sheet: Sheet) -> StreamingHttpResponse:
    """Return the sheet as a CSV download."""
    return _response(_csv_chunks(sheet), "text/csv; charset=utf-8", f"{sheet.name}.csv")


def stream_xlsx(sheet: Sheet) -> StreamingHttpResponse:
    """Return the sheet as an XLSX download."""
    heading, totals = ([*map(_escape_formulas, part)] for part in (sheet.heading, sheet.totals))
    workbook = write_workbook(sheet.columns, chain(sheet.escaped_rows, totals), heading)
    return _response(workbook, XLSX_TYPE, f"{sheet.name}.xlsx")


def stream_rows(rows: QuerySet[Any, Any]) -> Iterator[Any]:
    """Return the rows of a download, read in chunks as they are needed, from where the current page reads."""
    return rows.using(get_stream_alias()).iterator(chunk_size=CHUNK_ROWS)


FORMATS: dict[str, Callable[[Sheet], StreamingHttpResponse]] = {"csv": stream_csv, "xlsx": stream_xlsx}


def _response(chunks: Iterator[str] | Iterator[bytes], content_type: str, file_name: str) -> StreamingHttpResponse:
    disposition = f'attachment; filename="{file_name}"'
    return StreamingHttpResponse(chunks, content_type=content_type, headers={"Content-Disposition": disposition})


def _csv_chunks(sheet: Sheet) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(BYTE_ORDER_MARK)
    writer.writerow(sheet.columns)
    for number, row in enumerate(sheet.escaped_rows, start=1):
        writer.writerow(row)
        if number % CHUNK_ROWS == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _escape_formulas(row: Sequence[Cell]) -> list[Cell]:
    return [escape_formula(cell) if isinstance(cell, str) else cell for cell in row]
