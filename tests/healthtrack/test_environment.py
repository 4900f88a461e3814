import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from healthtrack import environment

OPTIONS = {"application_name": "healthtrack"}


@pytest.mark.parametrize("word", ["1", "yes", "TRUE", " on "])
def test_a_flag_is_set_by_any_word_for_yes(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_DEBUG", word)
    assert environment.flag("HEALTHTRACK_DEBUG") is True


@pytest.mark.parametrize("word", ["", "0", "No", "false", "off"])
def test_a_flag_is_not_set_by_any_word_for_no(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_DEBUG", word)
    assert environment.flag("HEALTHTRACK_DEBUG") is False


def test_a_flag_that_is_not_there_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEALTHTRACK_DEBUG", raising=False)
    assert environment.flag("HEALTHTRACK_DEBUG") is False


def test_a_flag_that_is_set_unless_said_otherwise_takes_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_SECOND_FACTOR", " ")
    assert environment.flag("HEALTHTRACK_SECOND_FACTOR", default=True) is True
    monkeypatch.setenv("HEALTHTRACK_SECOND_FACTOR", "0")
    assert environment.flag("HEALTHTRACK_SECOND_FACTOR", default=True) is False


def test_a_flag_of_another_word_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_DEBUG", "maybe")
    with pytest.raises(ImproperlyConfigured, match="HEALTHTRACK_DEBUG is 'maybe'; set it to 1 or 0"):
        environment.flag("HEALTHTRACK_DEBUG")


@pytest.mark.parametrize(("set_to", "number"), [("", 200), (" 7 ", 7), ("0300", 300)])
def test_a_whole_number_is_read_or_the_default(set_to: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_MOST_UPLOAD_MB", set_to)
    assert environment.whole_number("HEALTHTRACK_MOST_UPLOAD_MB", 200) == number


@pytest.mark.parametrize("word", ["0", "-1", "1.5", "1e3", "200 MB", "many", "٣", "9" * 20])
def test_what_is_no_whole_number_is_refused_by_name(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_MOST_UPLOAD_MB", word)
    with pytest.raises(ImproperlyConfigured, match=r"HEALTHTRACK_MOST_UPLOAD_MB is .*; set it to a whole number"):
        environment.whole_number("HEALTHTRACK_MOST_UPLOAD_MB", 200)


def test_names_are_parted_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_ALLOWED_HOSTS", " a.example, ,b.example,")
    assert environment.names("HEALTHTRACK_ALLOWED_HOSTS", "localhost") == ["a.example", "b.example"]
    monkeypatch.delenv("HEALTHTRACK_ALLOWED_HOSTS")
    assert environment.names("HEALTHTRACK_ALLOWED_HOSTS", "localhost") == ["localhost"]


def test_without_an_address_the_database_is_the_embedded_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert environment.database(OPTIONS)["ENGINE"] == environment.EMBEDDED_ENGINE


def test_an_address_gives_its_parts_and_its_options_win(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgresql://me:p%40ss@db.example:5433/records?sslmode=require&application_name=mine"
    monkeypatch.setenv("DATABASE_URL", address)
    database = environment.database({**OPTIONS, "connect_timeout": "5"})
    parts = ("ENGINE", "USER", "PASSWORD", "HOST", "PORT", "NAME")
    assert [database[part] for part in parts] == [
        environment.POSTGRESQL_ENGINE,
        *("me", "p@ss", "db.example", 5433, "records"),
    ]
    assert database["OPTIONS"] == {
        "sslmode": "require",
        "application_name": "mine",
        "connect_timeout": "5",
    }


@pytest.mark.parametrize(
    "address",
    ["mysql://me:secret@host/db", "sqlite:///secret.db", "host/secret", "postgresql://me:secret@host:port/db", " "],
)
def test_another_address_is_refused_without_telling_the_password(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    with pytest.raises(ImproperlyConfigured, match="names no PostgreSQL database") as refused:
        environment.database(OPTIONS)
    assert "secret" not in str(refused.value)


def test_others_may_pass_through_the_data_folder_but_neither_list_nor_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEALTHTRACK_DATA_DIR", str(tmp_path / "outer" / "data"))
    folder = environment.data_folder(tmp_path / "unused")
    assert folder == tmp_path / "outer" / "data"
    assert folder.stat().st_mode & 0o777 == 0o711
    assert not (tmp_path / "unused").exists()


def test_a_data_folder_that_is_there_keeps_its_permissions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.delenv("HEALTHTRACK_DATA_DIR", raising=False)
    assert environment.data_folder(tmp_path) == tmp_path
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("place", ["/dev/null/data", "/dev/null", "~nobody-of-this-name/data"])
def test_a_data_folder_that_cannot_be_made_is_named(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_DATA_DIR", place)
    with pytest.raises(ImproperlyConfigured, match=f"{place} cannot be written; .*HEALTHTRACK_DATA_DIR"):
        environment.data_folder(Path("unused"))


def test_a_data_folder_without_write_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ImproperlyConfigured, match="cannot be written"):
        environment.data_folder(Path("unused"))


def test_manage_py_tells_a_fault_of_the_environment_in_a_sentence() -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "HEALTHTRACK_DATA_DIR": "/dev/null/data"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("HealthTrack: The data folder /dev/null/data cannot be written;")
    assert len(ended.stderr.splitlines()) == 1


def test_the_secret_key_of_the_environment_is_not_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_SECRET_KEY", "given")
    assert environment.secret_key(tmp_path) == "given"
    assert list(tmp_path.iterdir()) == []


def test_a_secret_key_is_made_once_and_kept_from_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEALTHTRACK_SECRET_KEY", raising=False)
    key = environment.secret_key(tmp_path)
    assert len(key) >= 50
    assert environment.secret_key(tmp_path) == key
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_of_several_processes_that_keep_a_secret_at_once_all_get_the_same(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        wishes = [processes.submit(environment.keep_secret, tmp_path / "secret", f"{n}") for n in range(16)]
        assert len({wish.result() for wish in wishes}) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_who_comes_second_takes_the_secret_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("the first")
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert environment.keep_secret(file, "the second") == "the first"


def test_a_secret_that_cannot_be_kept_or_read_is_named_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImproperlyConfigured, match="cannot be read or written"):
        environment.keep_secret(tmp_path / "absent" / "secret", "a")

    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    with pytest.raises(ImproperlyConfigured, match="Operation not permitted"):
        environment.keep_secret(tmp_path / "secret", "a")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    with pytest.raises(ImproperlyConfigured, match="is empty; delete it"):
        environment.keep_secret(tmp_path / "secret", "a")


def test_the_time_zone_is_utc_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZONE", raising=False)
    assert environment.time_zone("ZONE") == "UTC"
    monkeypatch.setenv("ZONE", "Asia/Kolkata")
    assert environment.time_zone("ZONE") == "Asia/Kolkata"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc", "/etc/passwd", "a\tb"])
def test_a_time_zone_that_is_none_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("ZONE", zone)
    with pytest.raises(ImproperlyConfigured, match=r"ZONE is .*; set it to a time zone such as Asia/Kolkata"):
        environment.time_zone("ZONE")
