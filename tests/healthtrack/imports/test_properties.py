"""An import of any file ends in counts or in errors, never in an exception."""

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Literal

import pytest
from django.db import transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from healthtrack.imports.reading import open_table
from healthtrack.imports.reading.lines import is_blank
from healthtrack.imports.reasons import Reason
from tests.support.finished_imports import Imported
from tests.support.import_files import CATALOGUE, RECORDS, Kind, write_csv, write_xlsx

pytestmark = pytest.mark.django_db
# A whole import takes many times as long as reading a file.
fewer_examples = settings(max_examples=settings().max_examples // 4)

ODD_CELLS = [
    *(
        "",
        " ",
        "None",
        "null",
        "NaN",
        "inf",
        "-",
        "+",
        "=",
        "'",
        "''",
        "'=",
        "=1+1",
        "-1",
        "+1",
        "@x",
        '"',
        '""',
        "a\0b",
    ),
    *("0", "-0", "1", "7", "4.15", "4.1", "1e5", "1,00,000", "1,0", ",", "2147483648", "9" * 30, "9" * 400, "0.0", "٣"),
    *("02/30/2020", "05/17/1980", "1980-05-17", "0000-01-01", "12/31/9999", "9999-12-31", "99999-01-01", "1980-05-17T"),
    *(
        "F",
        "m",
        "X",
        "Yes",
        "no",
        "TRUE",
        "Band 2",
        "Leather",
        "ﬀ",
        "İ",
        "ß",
        "\ufeff",
        "\ufffd",
        "\x1a",
        "\x85",
        "\u2028",
    ),
    *("\n", "\r", "\r\n", "a\nb", "é" * 600, "x" * 140_000, "\U0010ffff", "\uffff", "\\", "\\.", "\\N", "{}", "%s"),
]
cell = st.one_of(st.sampled_from(ODD_CELLS), st.text(max_size=12))
kinds = st.sampled_from([RECORDS, CATALOGUE])
# Beginnings that make the reader read on.
beginnings = st.sampled_from(
    [
        b"",
        b"\xef\xbb\xbf",
        b"PK\x03\x04",
        b"\n\n",
        *(end.join([",".join(kind.row).encode(), b""]) for kind in (RECORDS, CATALOGUE) for end in (b"\n", b"\r\n")),
    ]
)


@st.composite
def mostly_valid_rows(draw: st.DrawFn, kind: Kind) -> list[list[str]]:
    """Valid rows in which some cells hold anything."""
    changes = draw(st.lists(st.dictionaries(st.sampled_from(list(kind.row)), cell, max_size=3), min_size=1, max_size=6))
    return [[str(value) for value in row.values()] for row in kind.rows(*changes)]


@st.composite
def mostly_valid_files(draw: st.DrawFn) -> tuple[Kind, bytes]:
    """Tables whose rows are written with too many, too few or the right quotes."""
    kind = draw(kinds)
    delimiter, end = draw(st.sampled_from(",;\t")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines = [delimiter.join(kind.row)]
    for row in draw(mostly_valid_rows(kind)):
        quote = draw(st.sampled_from(["csv", "none", "all", "open"]))
        lines.append(write_line(row, delimiter, quote))
    return kind, end.join(lines).encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])), "surrogatepass")


def write_line(row: Sequence[str], delimiter: str, quote: str) -> str:
    match quote:
        case "none":
            return delimiter.join(row)
        case "all":
            return delimiter.join(f'"{text}"' for text in row)
        case "open":
            return delimiter.join(row[:2]) + f'{delimiter}"' + delimiter.join(row[2:])
    line = StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="").writerow(row)
    return line.getvalue()


def check_and_roll_back(kind: Kind, path: Path) -> Imported:
    """Check a file. Without the rollback, hundreds of imports in one transaction would exceed PostgreSQL's locks."""
    with transaction.atomic():
        result = kind.run(path, dry_run=True)
        transaction.set_rollback(True)
    return result


def assert_consistent(result: Imported) -> None:
    assert result.errors or result.tables or result.run.reason == Reason.NEEDS_ANSWERS
    assert all(str(error) for error in result.errors)
    if result.tables:
        counts = result.counts
        staged = counts.new + counts.changed + counts.unchanged
        assert result.rows_read == staged + result.rows_merged + result.rows_invalid
        assert min(staged, result.rows_merged, result.rows_invalid) >= 0


@fewer_examples
@given(kind=kinds, beginning=beginnings, content=st.binary(max_size=2000))
def test_any_bytes_end_in_a_result(tmp_path: Path, kind: Kind, beginning: bytes, content: bytes) -> None:
    path = tmp_path / "any"
    path.write_bytes(beginning + content)
    assert_consistent(check_and_roll_back(kind, path))


@fewer_examples
@given(kind=kinds, beginning=beginnings, content=st.text(max_size=2000))
def test_any_text_ends_in_a_result(tmp_path: Path, kind: Kind, beginning: bytes, content: str) -> None:
    path = tmp_path / "any"
    path.write_bytes(beginning + content.encode("utf-8", "surrogatepass"))
    assert_consistent(check_and_roll_back(kind, path))


@fewer_examples
@given(file=mostly_valid_files())
def test_mostly_valid_tables_end_in_a_result(tmp_path: Path, file: tuple[Kind, bytes]) -> None:
    kind, content = file
    path = tmp_path / "table"
    path.write_bytes(content)
    assert_consistent(check_and_roll_back(kind, path))


@fewer_examples
@given(kind=kinds, data=st.data())
def test_a_second_import_of_the_same_file_changes_nothing(tmp_path: Path, kind: Kind, data: st.DataObject) -> None:
    rows = [dict(zip(kind.row, row, strict=True)) for row in data.draw(mostly_valid_rows(kind))]
    path = write_csv(tmp_path / "table", rows)
    with transaction.atomic():
        first = kind.run(path)
        assert_consistent(first)
        if not first.errors:
            again = kind.run(path)
            assert again.errors == []
            assert (again.counts.new, again.counts.changed) == (0, 0)
        transaction.set_rollback(True)


@fewer_examples
@given(kind=kinds, data=st.data())
def test_a_workbook_gives_the_same_result_as_csv_with_the_same_texts(
    tmp_path: Path, kind: Kind, data: st.DataObject
) -> None:
    rows = [dict(zip(kind.row, map(fit_for_workbook, row), strict=True)) for row in data.draw(mostly_valid_rows(kind))]
    by_csv = check_and_roll_back(kind, write_csv(tmp_path / "table.csv", rows))
    by_xlsx = check_and_roll_back(kind, write_xlsx(tmp_path / "table.xlsx", rows))
    assert_consistent(by_xlsx)
    assert [(error.column, error.reason) for error in by_xlsx.errors] == [
        (error.column, error.reason) for error in by_csv.errors
    ]
    assert by_xlsx.counts == by_csv.counts


def fit_for_workbook(text: str) -> str:
    """Return the text without what a workbook's cells cannot hold, or would hold as something else."""
    plain = "".join(letter for letter in text if letter.isprintable()).strip()[:30_000]
    return plain if not plain.startswith("=") and "_x" not in plain else "x"


@fewer_examples
@given(
    rows=st.lists(st.lists(cell.filter(lambda text: len(text) < 1000), min_size=3, max_size=3), min_size=1, max_size=8),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@example(rows=[["\ufeff", "", ""]], quoting=csv.QUOTE_MINIMAL)
@example(rows=[["\x1f\x8b", "", ""]], quoting=csv.QUOTE_MINIMAL)
@example(rows=[["", "", "\x1f"]], quoting=csv.QUOTE_MINIMAL)
def test_a_well_formed_file_is_read_as_the_standard_library_reads_it(
    tmp_path: Path, rows: list[list[str]], quoting: Literal[0, 1]
) -> None:
    path = tmp_path / "table.csv"
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
        csv.writer(file, quoting=quoting).writerows([["a", "b", "c"], *rows])
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        expected = [row for row in list(csv.reader(file))[1:] if not all(map(is_blank, row))]
    with open_table(path) as table:
        found = [list(row[1:]) for batch in table.batches for row in batch.rows()]
        assert table.take_malformed_rows() == []
    assert found == expected
