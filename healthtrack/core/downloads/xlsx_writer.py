"""Write XLSX workbooks as a stream; memory holds only one chunk of rows."""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import count, islice
from typing import TypeAlias
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_ROW = 1_048_576
CHUNK_ROWS = 1000
COMPRESSION = 3  # of 9, which takes several times as long and saves little

Cell: TypeAlias = str | int | float | Decimal | date | None

_DAY_ZERO = date(1899, 12, 30)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<fonts count="1"><font/></fonts><fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf/><xf numFmtId="164" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


class _Buffer(io.RawIOBase):
    """Collect what the archive writes, until it is taken out; the archive cannot seek in it."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: bytes) -> int:  # type: ignore[override]  # takes bytes only
        self.parts.append(bytes(part))
        return len(part)

    def take(self) -> bytes:
        parts, self.parts = self.parts, []
        return b"".join(parts)


def write_workbook(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], heading: Sequence[Sequence[Cell]] = ()
) -> Iterator[bytes]:
    """Yield the file in parts; when a worksheet is full, start another one with the same columns.

    The rows of the heading are above the columns of the first worksheet.
    """
    buffer, remaining = _Buffer(), iter(rows)
    with ZipFile(buffer, "w", ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        for number in count(1):
            above = heading if number == 1 else ()
            batch = list(islice(remaining, _batch_size(len(above))))
            if number > 1 and not batch:
                break
            with archive.open(f"xl/worksheets/sheet{number}.xml", "w") as sheet:
                sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
                sheet.write("".join(map(_row, [*above, columns])).encode())
                written = len(above)
                while batch:
                    sheet.write("".join(map(_row, batch)).encode())
                    yield buffer.take()
                    written += len(batch)
                    batch = list(islice(remaining, _batch_size(written)))
                sheet.write(b"</sheetData></worksheet>")
        for name, text in _parts(number - 1):
            archive.writestr(name, text)
    yield buffer.take()


def _batch_size(written: int) -> int:
    return min(CHUNK_ROWS, MAX_ROW - 1 - written)


def _row(cells: Sequence[Cell]) -> str:
    return f"<row>{''.join(map(_cell, cells))}</row>"


def _cell(cell: Cell) -> str:
    match cell:
        case None | "":
            return "<c/>"
        case str():
            space = "" if cell == cell.strip() else ' xml:space="preserve"'
            return f'<c t="inlineStr"><is><t{space}>{_text(cell)}</t></is></c>'
        case date():
            return f'<c s="1"><v>{(cell - _DAY_ZERO).days}</v></c>'
        case _:
            return f"<c><v>{cell}</v></c>"


def _text(text: str) -> str:
    """Return the text escaped for XML; characters that XML cannot hold become the replacement character."""
    if not text.isprintable():
        text = _UNPRINTABLE.sub("\ufffd", text)
    return escape(text, {"\r": "&#13;"})


def _parts(sheets: int) -> Iterator[tuple[str, str]]:
    numbers = range(1, sheets + 1)
    names = [f"Sheet{number}" if number > 1 else "Sheet" for number in numbers]
    yield "xl/styles.xml", _STYLES
    yield (
        "xl/workbook.xml",
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        + "".join(
            f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>'
            for number, name in zip(numbers, names, strict=True)
        )
        + "</sheets></workbook>",
    )
    relations = [("worksheet", f"worksheets/sheet{number}.xml") for number in numbers]
    yield "xl/_rels/workbook.xml.rels", _relations([*relations, ("styles", "styles.xml")])
    yield "_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")])
    kinds = [("workbook", "sheet.main"), ("styles", "styles")]
    kinds += [(f"worksheets/sheet{number}", "worksheet") for number in numbers]
    yield (
        "[Content_Types].xml",
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        + "".join(f'<Override PartName="/xl/{name}.xml" ContentType="{_KIND}.{kind}+xml"/>' for name, kind in kinds)
        + "</Types>",
    )


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    relations = (
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{"".join(relations)}</Relationships>'
