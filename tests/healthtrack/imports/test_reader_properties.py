"""Whatever file the reader is given, it ends in rows or in faults; and what it reads is what was written."""

import csv
import string
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthtrack.imports.checking import check_batch
from healthtrack.imports.headers import lay_out
from healthtrack.imports.reading import open_table
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.row_errors import Fault, FileRefusedError
from tests.support.import_files import CATALOGUE, RECORDS, Kind
from tests.support.workbooks import Cells, minimal_workbook, parts_of

Write = Callable[[Sequence[Cells]], bytes]

kinds = st.sampled_from([RECORDS, CATALOGUE])
odd = st.sampled_from(
    ["", " ", "None", "=1", "'=1", '"', '""', ",", ";", "\t", "\n", "\r\n", "\ufeff", "\ufffd", "a\0b"]
)
texts = st.one_of(st.text(st.characters(codec="utf-8"), max_size=8), odd)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(texts, min_size=width, max_size=width), min_size=1, max_size=6)
)


def delimited(delimiter: str, quoting: int = csv.QUOTE_MINIMAL, end: str = "\r\n") -> Write:
    def write(rows: Sequence[Cells]) -> bytes:
        text = StringIO()
        csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)  # type: ignore[arg-type]
        return text.getvalue().encode()

    return write


def archive(parts: Mapping[str, bytes]) -> bytes:
    """Always the same bytes: an entry made by its name alone would bear the present time."""
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(ZipInfo(name), content)
    return file.getvalue()


def workbook(rows: Sequence[Cells]) -> bytes:
    return archive(parts_of(rows))


WRITERS = [
    *(delimited(delimiter) for delimiter in ",;\t"),
    delimited(",", csv.QUOTE_ALL),
    delimited(",", end="\n"),
    workbook,
]
writers = st.sampled_from(WRITERS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def judge(kind: Kind, file: Path) -> tuple[pl.DataFrame | None, list[Fault]]:
    """The sound rows, and the faults; rows are neither lost nor made up."""
    resource = kind.resource()
    sound: list[pl.DataFrame] = []
    faults: list[Fault] = []
    lines: list[int] = []
    try:
        with open_table(file) as table:
            layout = lay_out(table, resource.plan.columns)
            if layout.faults:
                return None, layout.faults
            for batch in table.batches:
                named = batch.select(LINE, *layout.positions).rename(layout.positions)
                checked = check_batch(named, resource.plan.columns, resource.row_rules())
                left_out = table.drain()
                assert all(isinstance(cell, str) for row in left_out for cell in row.cells)
                lines += [*batch[LINE], *(row.fault.line or 0 for row in left_out)]
                sound.append(checked.rows)
                faults += [*checked.faults, *(row.fault for row in left_out)]
    except FileRefusedError as refused:
        return None, list(refused.faults)
    rows = pl.concat(sound) if sound else None
    assert len(set(lines)) == len(lines)
    assert set(lines) == {fault.line for fault in faults} | (set(rows[LINE]) if rows is not None else set())
    return rows, faults


def assert_judged(kind: Kind, file: Path) -> None:
    rows, faults = judge(kind, file)
    assert faults or rows is None or not rows.is_empty()
    assert all(fault.reason and fault.kind and str(fault) for fault in faults)


def good_rows(kind: Kind) -> list[Cells]:
    return [list(kind.row), *([str(value) for value in row.values()] for row in kind.rows({}, {}, {}))]


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes with some of them cut out, doubled, or become others."""
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(content)))
        end = draw(st.integers(begin, min(begin + 40, len(content))))
        double = st.just(content[begin:end] * 2)
        piece = draw(st.one_of(st.binary(max_size=8), double, st.sampled_from([b'"', b"\0", b"<"])))
        content = content[:begin] + piece + content[end:]
    return content


class TestWhateverAFileHolds:
    @given(kind=kinds, beginning=st.sampled_from([b"", b"PK\x03\x04", b"\xef\xbb\xbf", b"a,b\n"]), content=st.binary())
    def test_any_bytes_are_judged(self, file: Path, kind: Kind, beginning: bytes, content: bytes) -> None:
        file.write_bytes(beginning + content)
        assert_judged(kind, file)

    @given(kind=kinds, write=writers, data=st.data())
    def test_good_files_that_were_damaged_are_judged(
        self, file: Path, kind: Kind, write: Write, data: st.DataObject
    ) -> None:
        file.write_bytes(data.draw(damaged(write(good_rows(kind)))))
        assert_judged(kind, file)

    @given(kind=kinds, part=st.sampled_from(sorted(minimal_workbook())), data=st.data())
    def test_workbooks_of_damaged_parts_are_judged(
        self, file: Path, kind: Kind, part: str, data: st.DataObject
    ) -> None:
        parts = parts_of(good_rows(kind))
        file.write_bytes(archive({**parts, part: data.draw(damaged(parts[part]))}))
        assert_judged(kind, file)

    @given(kind=kinds, write=writers, data=st.data())
    def test_odd_cells_are_judged(self, file: Path, kind: Kind, write: Write, data: st.DataObject) -> None:
        header, *rows = good_rows(kind)
        for row in rows:
            for place, text in data.draw(st.dictionaries(st.integers(0, len(row) - 1), texts, max_size=3)).items():
                row[place] = text
        file.write_bytes(write([header, *rows]))
        assert_judged(kind, file)


class TestWhatIsReadIsWhatWasWritten:
    @given(rows=tables, delimiter=st.sampled_from(",;\t"), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    def test_in_delimited_text(self, file: Path, rows: list[Cells], delimiter: str, quoting: int) -> None:
        header = list(string.ascii_letters[: len(rows[0]) + 1])
        rows = [["x", *row] for row in rows]
        file.write_bytes(delimited(delimiter, quoting)([header, *rows]))
        assert read(file) == rows

    @given(rows=tables)
    def test_in_workbooks(self, file: Path, rows: list[Cells]) -> None:
        header = list(string.ascii_letters[: len(rows[0]) + 1])
        rows = [["x", *row] for row in rows]
        file.write_bytes(workbook([header, *rows]))
        assert read(file) == rows

    @given(
        write=writers,
        names=st.lists(
            st.text(string.ascii_letters + "éÖ漢 ,;'", min_size=1).filter(str.strip), min_size=1, max_size=5
        ),
        born=st.dates(date(1900, 3, 1), date(2020, 1, 1)),
        american=st.booleans(),
    )
    def test_as_far_as_the_typed_values(
        self, file: Path, write: Write, names: list[str], born: date, american: bool
    ) -> None:
        written = f"{born:%m/%d/%Y}" if american else born.isoformat()
        rows = RECORDS.rows(*({"name": f"X{name}", "date_of_birth": written} for name in names))
        file.write_bytes(write([list(RECORDS.row), *([str(value) for value in row.values()] for row in rows)]))
        sound, faults = judge(RECORDS, file)
        assert faults == []
        assert sound is not None
        assert sound["name"].to_list() == [" ".join(f"X{name}".split()) for name in names]
        assert set(sound["date_of_birth"]) == {born}


def read(file: Path) -> list[Cells]:
    with open_table(file) as table:
        rows = [[cell or "" for cell in row[1:]] for batch in table.batches for row in batch.rows()]
        assert table.drain() == []
    return rows
