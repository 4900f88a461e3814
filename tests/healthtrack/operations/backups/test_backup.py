import os
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection

from healthtrack.operations.backups import programs
from healthtrack.operations.models import Backup

pytestmark = pytest.mark.django_db(transaction=True)


def refusal(file: Path) -> str:
    """Return the sentence with which the command fails."""
    with pytest.raises(CommandError) as refused:
        call_command("backup", file, stdout=StringIO())
    return str(refused.value)


def test_only_its_owner_can_read_a_backup_and_it_names_no_patient(backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    content = backup.read_bytes()
    assert content.startswith(b"age-encryption.org/v1\n")
    assert b"medical_records" not in content
    assert "Zoë 'Ada'".encode() not in content  # random bytes may contain a shorter text


def test_the_command_says_where_the_backup_is_and_leaves_no_other_file(key: Path, tmp_path: Path) -> None:
    output = StringIO()
    call_command("backup", tmp_path / "b", stdout=output)
    assert f"Backed up the database to {tmp_path / 'b'} (" in output.getvalue()
    assert "read the whole file back" in output.getvalue()
    assert {file.name for file in tmp_path.iterdir()} == {"b", key.name, "signing.key"}


def test_each_backup_is_recorded_for_the_system_status(backup: Path) -> None:
    recorded = Backup.objects.get()
    assert (recorded.file_name, recorded.size) == (backup.name, backup.stat().st_size)


def test_a_backup_that_cannot_be_recorded_is_complete_and_says_so(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise ProgrammingError("permission denied for table backups")

    monkeypatch.setattr(Backup.objects, "create", fail)
    errors = StringIO()
    call_command("backup", tmp_path / "b", stdout=StringIO(), stderr=errors)
    assert (tmp_path / "b").exists()
    assert "it could not be recorded" in errors.getvalue()


def test_an_existing_file_is_not_overwritten(backup: Path) -> None:
    before = backup.read_bytes()
    assert "already exists; choose another file name" in refusal(backup)
    assert backup.read_bytes() == before


def test_a_missing_folder_is_reported(key: Path, tmp_path: Path) -> None:
    assert "cannot be written (No such file or directory)" in refusal(tmp_path / "absent" / "b")


def test_without_a_key_nothing_is_written(settings: LazySettings, tmp_path: Path) -> None:
    settings.BACKUP_RECIPIENTS = []
    assert "set HEALTHTRACK_BACKUP_RECIPIENTS" in refusal(tmp_path / "b")
    settings.BACKUP_RECIPIENTS = ["AGE-SECRET-KEY-1SECRET"]
    sentence = refusal(tmp_path / "b")
    assert "not a public key of age" in sentence
    assert "1SECRET" not in sentence
    assert list(tmp_path.iterdir()) == []


def test_a_backup_that_cannot_be_read_back_leaves_no_file(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shorten(descriptor: int) -> None:
        os.truncate(descriptor, 1000)

    monkeypatch.setattr(os, "fsync", shorten)
    assert "damaged" in refusal(tmp_path / "b")
    assert set(tmp_path.iterdir()) == {key, tmp_path / "signing.key"}


def test_a_dump_that_fails_leaves_no_file(key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "connection_parameters", lambda: {"dbname": "absent", "host": "/nowhere"})
    assert "pg_dump cannot read the database: connection to server" in refusal(tmp_path / "b")
    assert set(tmp_path.iterdir()) == {key, tmp_path / "signing.key"}


def test_a_program_older_than_the_server_is_refused(key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    old.chmod(0o755)
    monkeypatch.setattr(programs, "_path", lambda _: str(old))
    assert "pg_dump has version 9, and the database has version" in refusal(tmp_path / "b")


def test_a_missing_program_is_named(key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "ENGINE", "django.db.backends.postgresql")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "There is no program pg_dump on the PATH" in refusal(tmp_path / "b")


@pytest.mark.parametrize("option", ["password", "sslpassword", "passfile", "host"])
def test_no_parameter_of_the_connection_appears_on_a_command_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: str
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    own = connection.get_connection_params()
    monkeypatch.setattr(connection, "get_connection_params", lambda: {"passfile": "/s3cret", **own, option: "s3cret "})
    program = tmp_path / "program"
    program.write_text("""#!/bin/sh
echo "$*" && cat /proc/$$/cmdline && echo && cat "$PGSERVICEFILE" && stat --format=%a "$PGSERVICEFILE"
echo "password=$PGPASSWORD"
""")
    program.chmod(0o755)
    monkeypatch.setattr(programs, "_path", lambda _: str(program))
    with programs.running("psql", connects=True, output=subprocess.PIPE) as session:
        assert session.process.stdout
        arguments, line, *lines = session.process.stdout.read().decode(errors="replace").splitlines()
    assert arguments == "--dbname=service=healthtrack"
    assert "s3cret" not in line
    assert f"{option}=s3cret " in lines
    assert "600" in lines


def test_a_program_finds_the_database_by_the_service_file() -> None:
    with programs.running("psql", "--no-psqlrc", "--command=SELECT 1", connects=True) as session:
        assert session.succeeded(), session.first_error()


def test_a_key_is_not_overwritten_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    output = StringIO()
    call_command("make_backup_key", tmp_path / "key", stdout=output)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    public = output.getvalue().splitlines()[0].removeprefix("HEALTHTRACK_BACKUP_RECIPIENTS=")
    assert f"# public key: {public}\n" in (tmp_path / "key").read_text()
    assert "AGE-SECRET-KEY" not in output.getvalue()
    with pytest.raises(CommandError, match="already exists"):
        call_command("make_backup_key", tmp_path / "key", stdout=output)
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("make_backup_key", tmp_path / "absent" / "key", stdout=output)
