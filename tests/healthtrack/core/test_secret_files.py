from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from healthtrack.core.secret_files import read_key, read_or_create


def test_a_secret_is_written_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    assert read_or_create(tmp_path / "secret", "the first") == "the first"
    assert read_or_create(tmp_path / "secret", "the second") == "the first"
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_processes_that_create_a_secret_at_once_get_the_same_one(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        futures = [processes.submit(read_or_create, tmp_path / "secret", f"{n}") for n in range(16)]
        assert len({future.result() for future in futures}) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_the_second_process_gets_the_secret_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("the first")
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert read_or_create(file, "the second") == "the first"


def test_a_secret_that_cannot_be_written_or_read_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImproperlyConfigured, match="cannot be read or written"):
        read_or_create(tmp_path / "absent" / "secret", "a")

    def fail(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", fail)
    with pytest.raises(ImproperlyConfigured, match="Operation not permitted"):
        read_or_create(tmp_path / "secret", "a")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    for read in (lambda file: read_key(file, "HEALTHTRACK_KEY"), lambda file: read_or_create(file, "a")):
        with pytest.raises(ImproperlyConfigured, match="is empty"):
            read(tmp_path / "secret")


def read_again(file: Path) -> str:
    return read_or_create(file, "another")


def read_only(file: Path) -> str:
    return read_key(file, "HEALTHTRACK_KEY")


@pytest.mark.parametrize("read", [read_again, read_only])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_secret_that_others_can_read_is_protected_with_a_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, read: Callable[[Path], str]
) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cr3t")
    file.chmod(mode)
    assert read(file) == "s3cr3t"
    assert file.stat().st_mode & 0o777 == 0o600
    (message,) = caplog.messages
    assert message.startswith("Other users of this machine could read the secret in")
    assert "s3cr3t" not in message
    assert read(file) == "s3cr3t"
    assert len(caplog.messages) == 1


def test_a_secret_that_cannot_be_protected_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cr3t")
    file.chmod(0o644)

    def fail(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", fail)
    with pytest.raises(ImproperlyConfigured, match=f"can read the secret in {file}. Run chmod 600 {file} as its owner"):
        read_key(file, "HEALTHTRACK_KEY")
