"""Any file can be looked at to find out its format."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given
from hypothesis import strategies as st

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.opening import open_files
from healthtrack.imports.row_errors import FileError
from readings.formats.registry import divide

_BEGINNINGS = st.sampled_from(
    [b"", b"PK\x03\x04", b"\x0e\x10", b"[{", b"{", b"<HealthData", b"\x1f\x8b", b"SQLite format 3"]
)
_CONTENTS = st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode))


@given(beginning=_BEGINNINGS, content=_CONTENTS)
@example(beginning=b"", content=b'timestamp,"a\rb"\n1,2')
@example(beginning=b"", content=b"a\rb,c\n1,2")
def test_no_content_makes_the_recognition_fail(beginning: bytes, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "export.dat"
        path.write_bytes(beginning + content)
        try:
            with open_files([StoredFile("export.dat", 0, path)], is_quick=True) as parts:
                found = list(divide(parts))
        except FileError:
            return  # no archive, although it begins like one
    assert len(found) == len(parts)
