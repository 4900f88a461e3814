"""The reader rejects a file that is too large before it reads it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from django.conf import LazySettings

from healthtrack.imports.limits import describe_limits
from healthtrack.imports.reading import open_table
from healthtrack.imports.reading.lines import count_lines
from healthtrack.imports.row_errors import FileError
from tests.support.import_files import RECORDS, Row, write_csv, write_xlsx

TOO_LARGE = "The file has 2\xa0KB; the limit is 1\xa0KB. Split it into several files."
TOO_MANY_ROWS = "The file has 3 rows; the limit is 2. Split it into several files."


def get_file_error(path: Path) -> str:
    with pytest.raises(FileError) as raised, open_table(path):
        pass
    return str(raised.value)


def test_the_reader_rejects_a_file_that_is_too_large(tmp_path: Path, settings: LazySettings) -> None:
    settings.IMPORT_MAX_BYTES = 1024
    path = tmp_path / "big"
    path.write_bytes(b"a,b\n" * 512)
    assert get_file_error(path) == TOO_LARGE


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_the_reader_rejects_a_file_of_too_many_rows(
    tmp_path: Path, settings: LazySettings, write: Callable[[Path, Sequence[Row]], Path]
) -> None:
    settings.IMPORT_MAX_ROWS = 2
    assert get_file_error(write(tmp_path / "rows", RECORDS.rows({}, {}, {}))) == TOO_MANY_ROWS
    with open_table(write(tmp_path / "rows", RECORDS.rows({}, {}))) as table:
        assert sum(map(len, table.batches)) == 2


@pytest.mark.parametrize("rows", [b"x\r" * 8, b"x\n" + b"x\r" * 7, b"x\r\n" * 8, b"x\r\n" + b"x\r" * 7])
def test_the_reader_counts_rows_however_their_lines_end(tmp_path: Path, settings: LazySettings, rows: bytes) -> None:
    settings.IMPORT_MAX_ROWS = 7
    path = tmp_path / "rows.csv"
    path.write_bytes(b"x\n" + rows)
    assert get_file_error(path) == "The file has 8 rows; the limit is 7. Split it into several files."


def test_the_reader_counts_a_line_end_between_two_blocks_once(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"x" * (2**20 - 1) + b"\r\n" + b"x")
    assert count_lines(path) == 2


def test_the_limits_are_described_in_words(settings: LazySettings) -> None:
    assert describe_limits() == "at most 200\xa0MB and 5,000,000 rows"
