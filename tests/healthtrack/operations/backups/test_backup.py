import os
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection

from healthtrack.operations.backups import programs, writing

pytestmark = pytest.mark.django_db(transaction=True)


def refusal(file: Path) -> str:
    with pytest.raises(CommandError) as refused:
        call_command("backup", file, stdout=StringIO())
    return str(refused.value)


def test_a_backup_is_for_its_owner_alone_and_names_no_patient(backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    content = backup.read_bytes()
    assert content.startswith(b"age-encryption.org/v1\n")
    assert b"medical_records" not in content
    assert b"Ada" not in content


def test_it_says_where_the_backup_is_and_leaves_nothing_else(key: Path, tmp_path: Path) -> None:
    said = StringIO()
    call_command("backup", tmp_path / "b", stdout=said)
    assert f"backed up in {tmp_path / 'b'} (" in said.getvalue()
    assert "read back whole" in said.getvalue()
    assert {file.name for file in tmp_path.iterdir()} == {"b", key.name}


def test_a_file_that_is_there_is_not_written_over(backup: Path) -> None:
    before = backup.read_bytes()
    assert "is there already; name another file" in refusal(backup)
    assert backup.read_bytes() == before


def test_a_folder_that_is_not_there_is_told(key: Path, tmp_path: Path) -> None:
    assert "cannot be written (No such file or directory)" in refusal(tmp_path / "absent" / "b")


def test_without_a_key_nothing_is_written(settings: LazySettings, tmp_path: Path) -> None:
    settings.BACKUP_RECIPIENTS = []
    assert "set HEALTHTRACK_BACKUP_RECIPIENTS" in refusal(tmp_path / "b")
    settings.BACKUP_RECIPIENTS = ["AGE-SECRET-KEY-1SECRET"]
    sentence = refusal(tmp_path / "b")
    assert "no public key of age" in sentence
    assert "1SECRET" not in sentence
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_back_gets_no_name(key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def shorten(descriptor: int) -> None:
        os.truncate(descriptor, 1000)

    monkeypatch.setattr(os, "fsync", shorten)
    assert "damaged" in refusal(tmp_path / "b")
    assert list(tmp_path.iterdir()) == [key]


def test_a_dump_that_fails_leaves_no_file(key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "database", lambda: "--dbname=dbname=absent host=/nowhere")
    assert "pg_dump cannot read the database: connection to server" in refusal(tmp_path / "b")
    assert list(tmp_path.iterdir()) == [key]


def test_programs_older_than_the_server_are_refused(key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    old.chmod(0o755)
    monkeypatch.setattr(programs, "_path", lambda _: str(old))
    assert "pg_dump is of version 9 and the database of version" in refusal(tmp_path / "b")


def test_a_program_that_is_missing_is_named(key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "ENGINE", "django.db.backends.postgresql")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "There is no program pg_dump on the PATH" in refusal(tmp_path / "b")


def test_no_password_stands_on_a_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "s3cret")
    assert "s3cret" not in programs.database()
    with programs.running("psql", "--no-psqlrc", "--command=SELECT 1", programs.database()) as session:
        assert session.succeeded()
        assert "s3cret" not in str(session.process.args)


def test_a_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    said = StringIO()
    call_command("make_backup_key", tmp_path / "key", stdout=said)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    public = said.getvalue().splitlines()[0].removeprefix("HEALTHTRACK_BACKUP_RECIPIENTS=")
    assert f"# public key: {public}\n" in (tmp_path / "key").read_text()
    assert "AGE-SECRET-KEY" not in said.getvalue()
    with pytest.raises(CommandError, match="is there already"):
        call_command("make_backup_key", tmp_path / "key", stdout=said)
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("make_backup_key", tmp_path / "absent" / "key", stdout=said)
