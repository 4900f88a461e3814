"""Files that could use much memory: reading, checking or rejecting any of them uses little."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from healthtrack.imports.reading.archive import SMALL_PART_BYTES
from tests.support.import_files import RECORDS, write_parts, write_xlsx
from tests.support.memory import measure_peaks
from tests.support.workbooks import MAIN, OFFICE, PACKAGE, SHEET, STRINGS, minimal_workbook
from tests.support.workers import environment_of_the_tests

MAX_MEGABYTES = 100
RELATIONS = "xl/_rels/workbook.xml.rels"

MAX_MEGABYTES_WITHIN_LIMITS = 256
MAX_MEGABYTES_FOR_MORE_ROWS = 40

READER = """
from healthtrack.imports.columns.checking import check_batch
from healthtrack.imports.detection.planner import make_plan
from healthtrack.imports.tables.headers import find_layout
from healthtrack.imports.row_errors import FileError
from healthtrack.imports.reading import open_table
from patients.resources import MedicalRecordResource

columns = MedicalRecordResource().plan.columns

def use(path):
    try:
        make_plan(path, columns, {})
        with open_table(path) as table:
            positions = find_layout(table, columns).positions
            for batch in table.batches:
                if len(positions) == len(columns):
                    check_batch(batch.select("line", *positions).rename(positions), columns, [])
                table.take_malformed_rows()
    except FileError as error:
        return error
"""
# Smaller batches than usual, because the errors of a batch may be in memory.
CHECKER = """
from django.db import transaction
from healthtrack.imports.tabular import preview_queries
from healthtrack.imports.importer import RunInput, StoredFile
from healthtrack.imports.models import ImportRun
from healthtrack.imports.progress import NoProgress
from healthtrack.imports.reading import lines
from patients.importers import medical_records as records

lines.BATCH_ROWS = 5_000

def use(path):
    file = StoredFile(path.name, path.stat().st_size, path)
    with transaction.atomic():
        plan = records.plan([file], NoProgress())
        result = records.check(RunInput(1, [file], plan, {}), NoProgress())
        assert result.invalid == result.read > 0, result
        downloaded = sum(1 for _ in preview_queries.iterate_invalid_rows(ImportRun(run_id=1)))
        assert downloaded == result.invalid + 1, downloaded  # and the header
        transaction.set_rollback(True)
"""


def bombs() -> Iterator[tuple[str, dict[str, str | bytes]]]:
    def filled(piece: str) -> str:
        return piece * ((SMALL_PART_BYTES - 1000) // len(piece))

    def sheet(rows: str) -> str:
        return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'

    wide = "".join(f'<row r="{number}"><c r="A{number}"><v>1</v></c></row>' for number in range(2, 180_000))
    relation = f'<Relationship Id="r" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    relations = f'<Relationships xmlns="{PACKAGE}/relationships">{filled(relation)}</Relationships>'
    day = '<xf numFmtId="14"/>'
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs>{filled(day)}</cellXfs></styleSheet>'
    to_styles = f'<Relationship Id="s" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>'
    related = minimal_workbook()[RELATIONS].replace("</Relationships>", to_styles)
    begin = '<row r="1"><c r="A1"><v>1</v></c><c r="IV1"><v>1</v></c></row>'
    end = '<row r="1048576"><c r="IV1048576"><v>1</v></c></row>'
    yield "unpacks to much", {"xl/media/image.png": bytes(100_000_000)}
    yield "many parts", {f"x{number}": "" for number in range(30_000)}
    yield "spans much", {SHEET: sheet(begin + end)}
    yield "many wide rows", {SHEET: sheet(begin + wide)}
    yield "many empty rows", {SHEET: sheet(filled("<row/>"))}
    yield "many empty cells", {SHEET: sheet(f'<row r="1">{filled("<c/>")}</row>')}
    yield "a long text", {SHEET: sheet(f'<row r="1"><c r="A1"><v>{filled("1")}</v></c></row>')}
    yield "a long tag", {SHEET: sheet(f'<row r="1"><c r="A1" s="{filled("1")}"/></row>')}
    yield "many attributes", {SHEET: sheet("<row " + " ".join(f'a{number}=""' for number in range(100_000)) + "/>")}
    yield "nested", {SHEET: sheet(filled("<a>"))}
    yield "many texts", {STRINGS: f'<sst xmlns="{MAIN}">{filled("<si/>")}</sst>'}
    yield "many styles", {"xl/styles.xml": styles, RELATIONS: related}
    yield "many relations", {RELATIONS: relations}


chance = random.Random(0)  # noqa: S311 (for texts, not for secrets)


def piece() -> str:
    """Return a text that compresses no better than those of ordinary workbooks."""
    return chance.randbytes(8).hex() + 384 * "a"


def cell(*texts: str) -> str:
    return f'<c t="inlineStr"><is>{"".join(f"<t>{text}</t>" for text in texts)}</is></c>'


def sheet(*rows: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{HEADER_ROW}{"".join(rows)}</sheetData></worksheet>'


def strings(*items: str) -> str:
    return f'<sst xmlns="{MAIN}">{"".join(items)}</sst>'


HEADER_ROW = f"<row>{''.join(map(cell, RECORDS.row))}</row>"
SHARED_CELL = '<c t="s"><v>0</v></c>'
SHARED_ROW = f"<row>{9 * SHARED_CELL}</row>"
HEADER = ",".join(RECORDS.row) + "\n"
ROW = ",".join(map(str, RECORDS.row.values())) + "\n"
WIDE = "\U0001fa7a"  # a character that makes a text need four bytes for each
LARGE_WORKBOOKS: dict[str, Callable[[], dict[str, str | bytes]]] = {
    "long shared texts": lambda: {STRINGS: strings(*(f"<si><t>{piece()}</t></si>" for _ in range(250_000)))},
    "a shared text of many parts": lambda: {
        STRINGS: strings("<si>", *(f"<t>{piece()}</t>" for _ in range(250_000)), "</si>")
    },
    "cells that share a long text": lambda: {
        STRINGS: strings(f"<si><t>{60_000 * 'a'}</t></si>"),
        SHEET: sheet(8_000 * SHARED_ROW),
    },
    "cells that share a text": lambda: {
        STRINGS: strings(f"<si><t>{1_000 * 'a'}{WIDE}</t></si>"),
        SHEET: sheet(8_000 * SHARED_ROW),
    },
    "a cell of many parts": lambda: {SHEET: sheet(f"<row>{cell(*(piece() for _ in range(200_000)))}</row>")},
    "wide rows of long cells": lambda: {
        SHEET: sheet(*(f"<row>{256 * cell(''.join(piece() for _ in range(250)) + WIDE)}</row>" for _ in range(3)))
    },
    "nested elements": lambda: {SHEET: sheet(*(f"<v a='{chance.randbytes(2).hex()}'>" for _ in range(4_000_000)))},
}
LARGE_TEXTS: dict[str, Callable[[], str]] = {
    "one line": lambda: 100_000_000 * "a",
    "the longest line": lambda: HEADER + 2 * (ROW + ROW.replace("Asthma", 12_000_000 * WIDE)),
    "long lines": lambda: HEADER + 600 * ROW.replace("Asthma", 100_000 * "a" + WIDE),
    "long quoted cells": lambda: HEADER + 600 * ROW.replace("Asthma", f'"{100_000 * "a"}{WIDE}"'),
    "unclosed quotes": lambda: HEADER + 600 * ROW.replace("Asthma", '"' + 100_000 * "a"),
    "many columns": lambda: ",".join(map(str, range(2_000_000))),
    "wide rows": lambda: HEADER + 50 * (1_000_000 * "," + "\n"),
    "rows of a thousand columns": lambda: (
        HEADER.strip()
        + "".join(f",{number}" for number in range(1_000))
        + "\n"
        + 25_000 * (ROW.strip() + 1_000 * ",ab" + "\n")
    ),
    "wide rows of short cells": lambda: HEADER + 20 * (1_000_000 * ",ééā" + "\n"),
    "invalid rows": lambda: HEADER + 100_000 * (8 * "\a," + "\n"),
}


def write_large_file(folder: Path, name: str) -> Path:
    if name in LARGE_WORKBOOKS:
        return write_parts(folder / "large.xlsx", {**minimal_workbook(), **LARGE_WORKBOOKS[name]()})
    path = folder / "large.csv"
    path.write_text(LARGE_TEXTS[name](), newline="", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", [*LARGE_WORKBOOKS, *LARGE_TEXTS])
def test_no_file_within_the_limits_uses_much_memory(tmp_path: Path, name: str) -> None:
    (megabytes,) = measure(tmp_path, [write_large_file(tmp_path, name)]).values()
    assert megabytes <= MAX_MEGABYTES_WITHIN_LIMITS


def test_no_bomb_uses_much_memory(tmp_path: Path) -> None:
    files = [write_parts(tmp_path / f"{name}.xlsx", {**minimal_workbook(), **parts}) for name, parts in bombs()]
    megabytes = measure(tmp_path, files)
    assert {name: count for name, count in megabytes.items() if count > MAX_MEGABYTES} == {}


def measure(folder: Path, files: list[Path]) -> dict[str, int]:
    """Return by how many megabytes reading and checking each file raises the peak of a process of its own."""
    ordinary = write_xlsx(folder / "ordinary.xlsx", RECORDS.rows({}))
    return measure_peaks(READER, [ordinary, *files], {"HEALTHTRACK_DATA_DIR": str(folder)})


@pytest.mark.django_db
@pytest.mark.usefixtures("data_folder")
@pytest.mark.parametrize(
    ("row", "most"), [("x\n", 400_000), ("P1,Name {},01/01/2000,F,None,No,None,01/01/2020,None\n", 160_000)]
)
def test_the_memory_of_a_check_does_not_grow_with_the_number_of_invalid_rows(
    tmp_path: Path, row: str, most: int
) -> None:
    few, many = tmp_path / "few.csv", tmp_path / "many.csv"
    for path, rows in ((few, 20_000), (many, most)):
        path.write_text(HEADER + "".join(row.format(number % 7) for number in range(rows)))
    assert measure_peaks(CHECKER, [few, many], environment_of_the_tests())["many"] <= MAX_MEGABYTES_FOR_MORE_ROWS
