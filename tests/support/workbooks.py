"""The parts of XLSX workbooks, written by hand."""

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape

Cells = list[str]

TO_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ufffe\uffff]")

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEETS = f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{{}}</sheets></workbook>'
SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


def minimal_workbook(sheet: str = "", **parts: str) -> dict[str, str]:
    """Return the parts of a workbook. `parts` replaces some of them, by the names of their files."""
    relations = (
        f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{OFFICE}/worksheet" Target="/xl/worksheets/sheet2.xml"/>'
        f'<Relationship Id="rId3" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    )
    return {
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{relations}</Relationships>',
        "xl/workbook.xml": parts.get("workbook", SHEETS.format('<sheet name="S" sheetId="1" r:id="rId1"/>')),
        "xl/worksheets/sheet1.xml": sheet or make_sheet("a", "b"),
        "xl/worksheets/sheet2.xml": make_sheet("second", "sheet"),
        "xl/sharedStrings.xml": parts.get("strings", f'<sst xmlns="{MAIN}"/>'),
    }


def make_sheet(*texts: str) -> str:
    """Return a sheet of one column."""
    rows = "".join(
        f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>{text}</t></is></c></row>'
        for number, text in enumerate(texts, 1)
    )
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def make_row(cell: str, number: int) -> str:
    return f'<row r="{number}"><c r="{cell}"><v>1</v></c></row>'


def make_parts(rows: Sequence[Cells]) -> dict[str, bytes]:
    """Return the parts of a workbook with these cells. Texts that appear twice are in the table of shared texts."""
    every = [cell for row in rows for cell in row]
    shared = sorted(text for text in set(every) if every.count(text) > 1)

    def cell(text: str) -> str:
        if text in shared:
            return f'<c t="s"><v>{shared.index(text)}</v></c>'
        return f'<c t="inlineStr"><is><t>{escape_xml(text)}</t></is></c>'

    lines = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    strings = "".join(f"<si><t>{escape_xml(text)}</t></si>" for text in shared)
    parts = minimal_workbook(
        f'<worksheet xmlns="{MAIN}"><sheetData>{lines}</sheetData></worksheet>',
        strings=f'<sst xmlns="{MAIN}">{strings}</sst>',
    )
    return {name: content.encode() for name, content in parts.items()}


def escape_xml(text: str) -> str:
    """Return the text as workbooks write it, with the characters escaped that XML cannot hold or would change."""
    return TO_ESCAPE.sub(lambda match: f"_x{ord(match[0]):04X}_", escape(text))
