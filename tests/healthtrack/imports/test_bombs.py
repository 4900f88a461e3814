"""Small workbooks that could use much memory: reading or rejecting any of them uses little."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings as project

from healthtrack.imports.reading.archive import SMALL_PART_BYTES
from tests.support.import_files import write_parts, write_xlsx
from tests.support.workbooks import MAIN, OFFICE, PACKAGE, SHEET, STRINGS, minimal_workbook

MAX_MEGABYTES = 100
RELATIONS = "xl/_rels/workbook.xml.rels"

READER = """
import resource, sys
from pathlib import Path
from healthtrack.imports.row_errors import FileError
from healthtrack.imports.reading import open_table

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 2**10)

def read(path):
    try:
        with open_table(Path(path)) as table:
            return sum(map(len, table.batches))
    except FileError as error:
        return error

ordinary, *bombs = sys.argv[1:]
read(ordinary)
for bomb in bombs:
    before = peak()
    result = read(bomb)
    print(Path(bomb).stem, peak() - before, sep="\\t")
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


def test_no_bomb_uses_much_memory(tmp_path: Path) -> None:
    files = [write_xlsx(tmp_path / "ordinary.xlsx", [{"a": 1}])]
    files += [write_parts(tmp_path / f"{name}.xlsx", {**minimal_workbook(), **parts}) for name, parts in bombs()]
    done = subprocess.run(
        [sys.executable, "-c", READER, *files],
        cwd=project.BASE_DIR,
        env={**os.environ, "HEALTHTRACK_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "healthtrack.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    megabytes = {name: int(count) for name, count in (line.split("\t") for line in done.stdout.splitlines())}
    assert len(megabytes) == len(files) - 1
    assert {name: count for name, count in megabytes.items() if count > MAX_MEGABYTES} == {}
