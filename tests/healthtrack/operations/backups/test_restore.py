import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pyrage
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from healthtrack.operations.backups import (
    keys,
    programs,
    reading,
    records,
    setting_aside,
    signatures,
)
from patients.models import MedicalRecord
from tests.support.databases import database_of_the_tests
from tests.support.restored import Use, contents
from tests.support.signing import sign

pytestmark = pytest.mark.django_db(transaction=True)


def restore(file: Path, key: Path, *, replace: bool = False) -> None:
    call_command("restore", file, key=key, replace=replace, unsigned=False, stdout=StringIO())


def refusal(file: Path, key: Path, *, replace: bool = True) -> str:
    """Return the sentence with which the command fails; check that it changes nothing."""
    before = contents()
    with pytest.raises(CommandError) as refused:
        restore(file, key, replace=replace)
    assert contents() == before
    return str(refused.value)


def test_an_empty_database_gets_everything_back(backup: Path, key: Path, empty_database: Use) -> None:
    before = contents()
    with empty_database():
        restore(backup, key)
        assert contents() == before
        call_command("migrate", check_unapplied=True, stdout=StringIO())
        MedicalRecord.objects.get(pk="P7")


def test_a_database_that_has_tables_is_left_unchanged(backup: Path, key: Path) -> None:
    assert "tables. Restore into an empty database, or add --replace" in refusal(backup, key, replace=False)


def test_with_replace_everything_in_the_database_is_replaced(backup: Path, key: Path) -> None:
    before = contents()
    MedicalRecord.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TYPE mood AS ENUM ('fair')")
        cursor.execute("CREATE TABLE later (id integer PRIMARY KEY, mood mood, patient varchar(50))")
        cursor.execute("ALTER TABLE later ADD FOREIGN KEY (patient) REFERENCES medical_records")
        cursor.execute("CREATE VIEW latest AS SELECT * FROM later")
    restore(backup, key, replace=True)
    assert contents() == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('latest'), to_regtype('mood')")
        assert cursor.fetchone() == (None, None)


def test_no_text_of_the_backup_goes_through_psql(backup: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    popen = subprocess.Popen

    def record(command: list[str], **options: Any) -> Any:
        started.append([Path(command[0]).name, *command[1:]])
        return popen(command, **options)

    monkeypatch.setattr(subprocess, "Popen", record)
    restore(backup, key, replace=True)
    assert {name for name, *_ in started} == {"pg_restore"}
    assert {"--single-transaction", "--dbname=service=healthtrack"} <= set(started[-1])


def test_another_key_does_not_open_it(backup: Path, tmp_path: Path) -> None:
    keys.make_key(tmp_path / "another")
    assert "it was made for another key" in refusal(backup, tmp_path / "another")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_refused(backup: Path, key: Path, share: float) -> None:
    content = backup.read_bytes()
    backup.write_bytes(content[: int(len(content) * share)])
    assert "damaged" in refusal(backup, key)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_file_with_a_changed_byte_is_refused(backup: Path, key: Path, share: float) -> None:
    content = bytearray(backup.read_bytes())
    content[int(len(content) * share)] ^= 1
    backup.write_bytes(content)
    assert "damaged" in refusal(backup, key)


def test_a_copy_that_is_cut_short_after_the_check_changes_nothing(
    backup: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shorten(backup: signatures.Backup, _: Any) -> None:
        backup.file.truncate(backup.length - 1)

    monkeypatch.setattr(reading, "check_whole", shorten)
    assert "damaged" in refusal(backup, key)


def test_an_error_after_everything_was_filled_in_changes_nothing(
    backup: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_LAST_CHANGE", "SELECT 1 / 0")
    assert "the database is unchanged: division by zero." in refusal(backup, key)


def test_what_an_interrupted_restore_set_aside_is_put_back(backup: Path, key: Path) -> None:
    before = contents()
    setting_aside.set_aside()
    assert contents() != before
    with pytest.raises(CommandError, match="A restore was interrupted: the schema before_restore has what"):
        call_command("migrate", stdout=StringIO())
    with pytest.raises(CommandError, match="already has"):
        restore(backup, key)
    assert contents() == before


def test_tables_that_took_the_place_of_those_set_aside_are_not_lost(backup: Path, key: Path) -> None:
    before = contents()
    setting_aside.set_aside()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE public.later (id integer)")
    with pytest.raises(CommandError, match=r"A restore was interrupted: .* DROP SCHEMA before_restore CASCADE"):
        restore(backup, key, replace=True)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE public.later")
    setting_aside.put_back_after_interruption()
    assert contents() == before


def test_a_file_that_is_not_a_backup_is_refused(backup: Path, key: Path, tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_text("patient_id,name\nP1,Ada Byron\n")
    assert "has no signature" in refusal(tmp_path / "records.csv", key)
    assert "cannot be read" in refusal(tmp_path / "absent", key)


def test_an_encrypted_file_of_another_kind_is_refused(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "text"
    recipients = [identity.to_public() for identity in keys.read_identities(key)]
    pyrage.encrypt_file(__file__, str(text), recipients)
    sign(text)
    assert "pg_restore does not understand the backup" in refusal(text, key)


def test_a_key_file_without_a_key_is_reported(backup: Path, tmp_path: Path) -> None:
    file = tmp_path / "another"
    assert "cannot be read (No such file or directory)" in refusal(backup, file)
    file.write_text("# public key: age1\n")
    assert "holds no secret key of age" in refusal(backup, file)
    file.write_text("AGE-SECRET-KEY-1ABC\n")
    assert "may be cut short" in refusal(backup, file)
    file.write_bytes(b"\xff")
    assert "it is not a text file" in refusal(backup, file)


def test_it_gives_up_while_others_use_the_database(backup: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setting_aside, "LOCK_TIMEOUT", "100ms")
    before = contents()
    with database_of_the_tests().session() as other:
        other.execute("SELECT FROM medical_records")
        with pytest.raises(CommandError, match="unchanged: somebody else is using it"):
            restore(backup, key, replace=True)
    assert contents() == before


def test_a_program_whose_sql_the_server_refuses_is_refused(
    backup: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "FIRST_WITH_TRANSACTION_TIMEOUT", 19)
    monkeypatch.setattr(programs, "_version", lambda _: 19)
    assert "pg_restore has version 19, and the database has version" in refusal(backup, key)
