"""The parts of uploads: archives, archives in archives, and those that are refused."""

from pathlib import Path
from typing import Any

import pytest

from healthtrack.imports import opening
from healthtrack.imports.importer import StoredFile
from healthtrack.imports.opening import open_files, open_part
from tests.support.opened_uploads import list_paths, pack, refuse


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "upload.zip"


def test_archives_in_archives_are_opened_once_and_not_when_it_must_be_quick(path: Path) -> None:
    content = pack({"P1/export.zip": pack({"a.csv": b"1", "deeper.zip": pack({"b.csv": b"2"})}), "P2/c.csv": b"3"})
    assert list_paths(path, content) == ["P1/export.zip/a.csv", "P1/export.zip/deeper.zip", "P2/c.csv"]
    assert list_paths(path, content, is_quick=True) == ["P1/export.zip", "P2/c.csv"]


def test_patients_may_be_named_by_each_folder_and_archive(path: Path) -> None:
    path.write_bytes(pack({"clinic/P1.zip": pack({"march/a.csv": b"1"})}))
    with open_files([StoredFile("all.zip", 1, path)]) as parts:
        assert parts[0].patient_names == ["a", "march", "P1", "clinic", "all"]
        with open_part(parts[0]) as stream:
            assert stream.read(10) == b"1"


def test_what_only_computers_write_into_archives_is_no_part(path: Path) -> None:
    content = pack({"a.csv": b"1", ".DS_Store": b"2", "__MACOSX/._a.csv": b"3", "folder/": b""})
    assert list_paths(path, content) == ["a.csv"]


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "P1\\..\\..\\a.csv"])
def test_paths_out_of_the_archive_are_refused(path: Path, name: str) -> None:
    assert "leads out of it" in refuse(path, pack({name: b"1"}))


def test_archives_that_are_larger_when_unpacked_are_refused(path: Path, settings: Any) -> None:
    settings.READINGS_MAX_UNPACKED_BYTES = 1000
    assert "when unpacked" in refuse(path, pack({"a.csv": b"0" * 600, "b.csv": b"0" * 600}))
    assert "when unpacked" in refuse(path, pack({"a.zip": pack({"b.csv": b"0" * 2000})}))


def test_large_archives_in_archives_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_MAX_NESTED_BYTES", 10)
    assert "Upload it alone" in refuse(path, pack({"a.zip": pack({"b.csv": b"0"})}))


def test_encrypted_archives_are_refused(path: Path) -> None:
    content = bytearray(pack({"a.csv": b"1"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert "is encrypted" in refuse(path, bytes(content))


def test_archives_that_were_cut_off_are_refused(path: Path) -> None:
    assert "is damaged or was cut off" in refuse(path, pack({"a.csv": b"1" * 100})[:-10])
    assert "has no files" in refuse(path, pack({"folder/": b""}))
