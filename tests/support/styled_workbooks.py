"""Workbooks with number formats, several sheets and odd cells, which openpyxl would not write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.import_files import Kind, Row, write_parts
from tests.support.workbooks import MAIN, OFFICE, PACKAGE, escape_xml


@dataclass(frozen=True)
class Number:
    """A number in a cell, with the code of its format, or the number of a built-in one."""

    value: str
    form: str | int = 0


@dataclass(frozen=True)
class Formula:
    """The stored result of a formula that is a text."""

    text: str


Cell = str | Number | Formula
Sheet = Sequence[Sequence[Cell]]


def table_of(kind: Kind, *rows: Row) -> Sheet:
    """Return the header and rows as the cells of a sheet."""
    return [list(kind.row), *([as_cell(value) for value in row.values()] for row in rows)]


def as_cell(value: object) -> Cell:
    return value if isinstance(value, Number | Formula) else str(value)


def write_workbook(
    path: Path,
    sheets: Mapping[str, Sheet],
    *,
    hidden: Sequence[str] = (),
    defined: Mapping[int, str] | None = None,
    from_1904: bool = False,
) -> Path:
    """Write a workbook. `defined` gives numbers to the codes of number formats."""
    codes = {code: 164 + place for place, code in enumerate(_list_codes(sheets))}
    codes |= {code: number for number, code in (defined or {}).items()}
    styles = [0, *codes.values(), *_list_built_in(sheets)]
    parts = {
        "_rels/.rels": _relationships(("officeDocument", "xl/workbook.xml")),
        "xl/_rels/workbook.xml.rels": _relationships(
            *(("worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(sheets) + 1)),
            ("styles", "styles.xml"),
        ),
        "xl/styles.xml": _styles(codes, styles),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        + ('<workbookPr date1904="1"/>' if from_1904 else "")
        + f"<sheets>{''.join(_list_sheets(sheets, hidden))}</sheets></workbook>",
    }
    for number, sheet in enumerate(sheets.values(), 1):
        parts[f"xl/worksheets/sheet{number}.xml"] = _sheet(sheet, codes, styles)
    return write_parts(path, parts)


def _list_codes(sheets: Mapping[str, Sheet]) -> list[str]:
    forms = [cell.form for sheet in sheets.values() for row in sheet for cell in row if isinstance(cell, Number)]
    return list(dict.fromkeys(form for form in forms if isinstance(form, str)))


def _list_built_in(sheets: Mapping[str, Sheet]) -> list[int]:
    forms = [cell.form for sheet in sheets.values() for row in sheet for cell in row if isinstance(cell, Number)]
    return list(dict.fromkeys(form for form in forms if isinstance(form, int)))


def _relationships(*targets: tuple[str, str]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{listed}</Relationships>'


def _styles(codes: Mapping[str, int], styles: Sequence[int]) -> str:
    formats = "".join(
        f'<numFmt numFmtId="{number}" formatCode="{escape_xml(code).replace(chr(34), "&quot;")}"/>'
        for code, number in codes.items()
    )
    cells = "".join(f'<xf numFmtId="{number}"/>' for number in styles)
    return f'<styleSheet xmlns="{MAIN}"><numFmts>{formats}</numFmts><cellXfs>{cells}</cellXfs></styleSheet>'


def _list_sheets(sheets: Mapping[str, Sheet], hidden: Sequence[str]) -> list[str]:
    states = ("visible", "hidden")
    return [
        f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}" state="{states[name in hidden]}"/>'
        for number, name in enumerate(sheets, 1)
    ]


def _sheet(sheet: Sheet, codes: Mapping[str, int], styles: Sequence[int]) -> str:
    rows = "".join(f"<row>{''.join(_cell(cell, codes, styles) for cell in row)}</row>" for row in sheet)
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def _cell(cell: Cell, codes: Mapping[str, int], styles: Sequence[int]) -> str:
    match cell:
        case Number(value, form):
            number = codes[form] if isinstance(form, str) else form
            return f'<c s="{styles.index(number)}"><v>{value}</v></c>'
        case Formula(text):
            return f'<c t="str"><v>{text}</v></c>'
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape_xml(cell)}</t></is></c>'
