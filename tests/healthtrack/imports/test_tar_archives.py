"""Tar archives, of which only ordinary files are read, and hostile ones are refused."""

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from healthtrack.imports import opening
from healthtrack.imports.importer import StoredFile
from healthtrack.imports.opening import open_files, open_part
from healthtrack.imports.row_errors import DamageError, FileError
from tests.support.opened_uploads import list_paths, pack, refuse


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "takeout.tgz"


def pack_tar(members: dict[str, bytes], form: int = tarfile.GNU_FORMAT, kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return a tar archive with these members."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, "/etc/passwd"
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("is_packed", [True, False])
def test_files_are_read(path: Path, form: int, *, is_packed: bool) -> None:
    long = f"Takeout/{'Fitbit' * 14}/{'é' * 20}.csv"
    members = {long: b"1" * 1000, "b.csv": b"", "a.csv": b"22", ".DS_Store": b"3"}
    content = pack_tar(members, form)
    path.write_bytes(gzip.compress(content) if is_packed else content)
    with open_files([StoredFile(path.name, 1, path)]) as parts:
        assert [part.path for part in parts] == [long, "a.csv", "b.csv"]
        with open_part(parts[0]) as stream:
            assert stream.read(5000) == b"1" * 1000


def test_archives_within_archives_are_opened(path: Path) -> None:
    inner = gzip.compress(pack_tar({"a.csv": b"1"}))
    content = pack({"P1/takeout.tgz": inner, "P2/takeout.tar": pack_tar({"b.csv": b"1"})})
    assert list_paths(path, content) == ["P1/takeout.tgz/a.csv", "P2/takeout.tar/b.csv"]
    assert list_paths(path, gzip.compress(pack_tar({"P1.zip": pack({"a.csv": b"1"})}))) == ["P1.zip/a.csv"]


def test_folders_are_no_parts(path: Path) -> None:
    content = pack_tar({"a/": b""}, kind=tarfile.DIRTYPE)[:512] + pack_tar({"a/b.csv": b"1"})
    assert list_paths(path, content) == ["a/b.csv"]


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "P1\\..\\..\\a.csv"])
def test_paths_out_of_the_archive_are_refused(path: Path, name: str) -> None:
    assert "leads out of it" in refuse(path, pack_tar({name: b"1"}))


@pytest.mark.parametrize(
    "kind", [tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"S"]
)
def test_links_and_devices_are_refused(path: Path, kind: bytes) -> None:
    reason = refuse(path, gzip.compress(pack_tar({"a.csv": b""}, kind=kind)))
    assert "“a.csv”: The archive takeout.tgz has a link, a device or another special file" in reason


def test_archives_that_are_larger_when_unpacked_are_refused(path: Path, settings: Any) -> None:
    settings.READINGS_MAX_UNPACKED_BYTES = 10_000
    assert "when unpacked" in refuse(path, gzip.compress(pack_tar({"a.csv": b"0" * 100_000})))


def test_archives_of_too_many_files_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_MAX_PARTS", 3)
    assert "more than 3 files" in refuse(path, pack_tar({f"{number}.csv": b"" for number in range(5)}))


def test_names_that_would_fill_the_memory_are_refused(path: Path) -> None:
    assert "a name that is too long" in refuse(path, pack_tar({"a" * 100_000: b""}))
    assert "a name that is too long" in refuse(path, pack_tar({"a" * 100_000: b""}, tarfile.PAX_FORMAT))


def test_only_the_beginning_is_read_if_it_must_be_quick(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_QUICK_BYTES", 10)
    content = pack_tar({"a.csv": b"1", "b.csv": b"2"})
    assert list_paths(path, content, is_quick=True) == ["a.csv"]


def test_of_an_archive_that_was_cut_off_the_files_before_are_read(path: Path) -> None:
    content = pack_tar({"a.csv": b"1", "b.csv": b"2" * 2000})
    path.write_bytes(content[:2000])
    with open_files([StoredFile(path.name, 1, path)]) as parts:
        assert [(part.path, part.is_damaged) for part in parts] == [("", True), ("a.csv", False), ("b.csv", False)]
        assert len({part.number for part in parts}) == 3


@pytest.mark.parametrize("place", range(0, 512, 3))
def test_damaged_headers_end_in_errors(path: Path, place: int) -> None:
    content = bytearray(pack_tar({"a.csv": b"1"}, tarfile.PAX_FORMAT))
    content[place] ^= 0xFF
    path.write_bytes(content)
    try:
        with open_files([StoredFile(path.name, 1, path)]) as parts:
            assert any(part.is_damaged for part in parts) or place in range(257, 265)
    except (FileError, DamageError):
        pass
