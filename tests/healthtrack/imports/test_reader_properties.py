"""The reader returns rows or errors for any file, and reads what was written."""

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

from healthtrack.imports.columns.checking import check_batch
from healthtrack.imports.reading import open_table
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.row_errors import FileError, RowError
from healthtrack.imports.tables.headers import find_layout
from tests.support.import_files import CATALOGUE, RECORDS, Kind
from tests.support.workbooks import Cells, make_parts, minimal_workbook

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
        csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)  # type: ignore[arg-type]  # a plain value will do in a test
        return text.getvalue().encode()

    return write


def archive(parts: Mapping[str, bytes]) -> bytes:
    """Return the same bytes for the same parts, without the present time in the entries."""
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(ZipInfo(name), content)
    return file.getvalue()


def workbook(rows: Sequence[Cells]) -> bytes:
    return archive(make_parts(rows))


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


def check(kind: Kind, file: Path) -> tuple[pl.DataFrame | None, list[RowError]]:
    """Return the valid rows, None if there is no table, and the errors. No row may be lost or invented."""
    resource = kind.resource()
    valid: list[pl.DataFrame] = []
    errors: list[RowError] = []
    lines: list[int] = []
    try:
        with open_table(file) as table:
            layout = find_layout(table, resource.plan.columns)
            if layout.errors:
                return None, layout.errors
            for batch in table.batches:
                named = batch.select(LINE, *layout.positions).rename(layout.positions)
                checked = check_batch(named, resource.plan.columns, resource.row_rules())
                malformed = table.take_malformed_rows()
                assert all(isinstance(cell, str) for row in malformed for cell in row.cells)
                lines += [*batch[LINE], *(row.error.line or 0 for row in malformed)]
                valid.append(checked.rows)
                errors += [*checked.errors, *(row.error for row in malformed)]
    except FileError as error:
        return None, list(error.errors)
    rows = pl.concat(valid) if valid else None
    assert len(set(lines)) == len(lines)
    assert set(lines) == {error.line for error in errors} | (set(rows[LINE]) if rows is not None else set())
    return rows, errors


def assert_checked(kind: Kind, file: Path) -> None:
    rows, errors = check(kind, file)
    assert errors or rows is None or not rows.is_empty()
    assert all(error.reason and error.kind and str(error) for error in errors)


def valid_rows(kind: Kind) -> list[Cells]:
    return [list(kind.row), *([str(value) for value in row.values()] for row in kind.rows({}, {}, {}))]


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes, some of which are removed, doubled or replaced."""
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(content)))
        end = draw(st.integers(begin, min(begin + 40, len(content))))
        double = st.just(content[begin:end] * 2)
        piece = draw(st.one_of(st.binary(max_size=8), double, st.sampled_from([b'"', b"\0", b"<"])))
        content = content[:begin] + piece + content[end:]
    return content


class TestAnyFile:
    @given(kind=kinds, beginning=st.sampled_from([b"", b"PK\x03\x04", b"\xef\xbb\xbf", b"a,b\n"]), content=st.binary())
    def test_any_bytes_end_in_rows_or_errors(self, file: Path, kind: Kind, beginning: bytes, content: bytes) -> None:
        file.write_bytes(beginning + content)
        assert_checked(kind, file)

    @given(kind=kinds, write=writers, data=st.data())
    def test_damaged_valid_files_end_in_rows_or_errors(
        self, file: Path, kind: Kind, write: Write, data: st.DataObject
    ) -> None:
        file.write_bytes(data.draw(damaged(write(valid_rows(kind)))))
        assert_checked(kind, file)

    @given(kind=kinds, part=st.sampled_from(sorted(minimal_workbook())), data=st.data())
    def test_workbooks_of_damaged_parts_end_in_rows_or_errors(
        self, file: Path, kind: Kind, part: str, data: st.DataObject
    ) -> None:
        parts = make_parts(valid_rows(kind))
        file.write_bytes(archive({**parts, part: data.draw(damaged(parts[part]))}))
        assert_checked(kind, file)

    @given(kind=kinds, write=writers, data=st.data())
    def test_odd_cells_end_in_rows_or_errors(self, file: Path, kind: Kind, write: Write, data: st.DataObject) -> None:
        header, *rows = valid_rows(kind)
        for row in rows:
            for place, text in data.draw(st.dictionaries(st.integers(0, len(row) - 1), texts, max_size=3)).items():
                row[place] = text
        file.write_bytes(write([header, *rows]))
        assert_checked(kind, file)


class TestWrittenFiles:
    @given(rows=tables, delimiter=st.sampled_from(",;\t"), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    def test_delimited_text_is_read_as_written(
        self, file: Path, rows: list[Cells], delimiter: str, quoting: int
    ) -> None:
        header = list(string.ascii_letters[: len(rows[0]) + 1])
        rows = [["x", *row] for row in rows]
        file.write_bytes(delimited(delimiter, quoting)([header, *rows]))
        assert read(file) == rows

    @given(rows=tables)
    def test_workbooks_are_read_as_written(self, file: Path, rows: list[Cells]) -> None:
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
    def test_typed_values_are_read_as_written(
        self, file: Path, write: Write, names: list[str], born: date, american: bool
    ) -> None:
        written = f"{born:%m/%d/%Y}" if american else born.isoformat()
        rows = RECORDS.rows(*({"name": f"X{name}", "date_of_birth": written} for name in names))
        file.write_bytes(write([list(RECORDS.row), *([str(value) for value in row.values()] for row in rows)]))
        valid, errors = check(RECORDS, file)
        assert errors == []
        assert valid is not None
        assert valid["name"].to_list() == [" ".join(f"X{name}".split()) for name in names]
        assert set(valid["date_of_birth"]) == {born}


def read(file: Path) -> list[Cells]:
    with open_table(file) as table:
        rows = [[cell or "" for cell in row[1:]] for batch in table.batches for row in batch.rows()]
        assert table.take_malformed_rows() == []
    return rows
