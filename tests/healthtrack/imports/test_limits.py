"""What is too big is refused: by the form, before it is kept, and by the reader, before it is read."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from django.conf import LazySettings

from healthtrack.imports.limits import in_words
from healthtrack.imports.reading import open_table
from healthtrack.imports.row_errors import FileRefusedError
from tests.support.import_files import RECORDS, Row, write_csv, write_xlsx

TOO_BIG = "The file has 2\xa0KB, and at most 1\xa0KB may be uploaded at once; part it into several files."
TOO_MANY = "The file has 3 rows, and at most 2 may be uploaded at once; part it into several files."


def refusal(path: Path) -> str:
    with pytest.raises(FileRefusedError) as refused, open_table(path):
        pass
    return str(refused.value)


def test_the_reader_refuses_a_file_that_is_too_big(tmp_path: Path, settings: LazySettings) -> None:
    settings.IMPORT_MOST_BYTES = 1024
    path = tmp_path / "big"
    path.write_bytes(b"a,b\n" * 512)
    assert refusal(path) == TOO_BIG


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_the_reader_refuses_a_file_of_too_many_rows(
    tmp_path: Path, settings: LazySettings, write: Callable[[Path, Sequence[Row]], Path]
) -> None:
    settings.IMPORT_MOST_ROWS = 2
    assert refusal(write(tmp_path / "rows", RECORDS.rows({}, {}, {}))) == TOO_MANY
    with open_table(write(tmp_path / "rows", RECORDS.rows({}, {}))) as table:
        assert sum(map(len, table.batches)) == 2


def test_the_limits_are_said_in_words(settings: LazySettings) -> None:
    assert in_words() == "at most 200\xa0MB and 5,000,000 rows"
