"""Attacks on backups: forged, changed, unsigned and signed by others."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import psycopg
import pyrage
import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from healthtrack.accounts.models import Session
from healthtrack.operations.backups import keys, programs, reading, restoring, signatures, signing_keys, writing
from healthtrack.operations.models import Restore
from tests.support.databases import database_of_the_tests
from tests.support.restored import Use, contents
from tests.support.signing import sign

pytestmark = pytest.mark.django_db(transaction=True)


def restore(file: Path, key: Path, *, replace: bool = True, unsigned: bool = False) -> tuple[str, str]:
    """Return what the command prints and what it warns about."""
    output, errors = StringIO(), StringIO()
    call_command("restore", file, key=key, replace=replace, unsigned=unsigned, stdout=output, stderr=errors)
    return output.getvalue(), errors.getvalue()


def refusal(file: Path, key: Path, *, unsigned: bool = False) -> str:
    """Return the sentence with which the command fails; check that it changes nothing."""
    before = contents()
    with pytest.raises(CommandError) as refused:
        restore(file, key, unsigned=unsigned)
    assert contents() == before
    return str(refused.value)


@pytest.fixture
def forged(key: Path, patients: None, tmp_path: Path, settings: LazySettings) -> Path:
    """Return a backup with a back door, made by somebody who has the public key of age but no signing key."""
    User.objects.create_superuser("backdoor")
    _delete_from("changes")
    file = tmp_path / "forged.backup"
    with programs.running("pg_dump", *writing.DUMP_OPTIONS, connects=True, output=subprocess.PIPE) as dump:
        assert dump.process.stdout
        archive = dump.process.stdout.read()
    file.write_bytes(pyrage.encrypt(archive, keys.read_recipients()))
    _delete_from("auth_user")
    return file


def _delete_from(table: str) -> None:
    """Delete the rows of a table as somebody does who can switch triggers off."""
    with database_of_the_tests().session(autocommit=True) as session:
        session.execute(f"BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM {table}; COMMIT")


OPERATIONS = ("restores", "backups", "restore_drills", "database_sizes")


@contextmanager
def without_table_of_restores() -> Iterator[None]:
    """Make the database look like one of a version without the tables of operations during the block."""
    database = database_of_the_tests()
    for statement in (
        "CREATE SCHEMA hidden",
        *(f"ALTER TABLE {table} SET SCHEMA hidden" for table in OPERATIONS),
        "CREATE TABLE hidden.known AS SELECT * FROM django_migrations WHERE app = 'operations'",
        "DELETE FROM django_migrations WHERE app = 'operations'",
    ):
        database.ask(statement)
    try:
        yield
    finally:
        for table in OPERATIONS:
            database.ask(f"ALTER TABLE hidden.{table} SET SCHEMA public")
        database.ask("INSERT INTO django_migrations OVERRIDING SYSTEM VALUE SELECT * FROM hidden.known")
        database.ask("DROP SCHEMA hidden CASCADE")


class TestAForgedBackup:
    def test_is_refused_without_a_signature(self, forged: Path, key: Path) -> None:
        assert "has no signature: it is damaged, forged" in refusal(forged, key)
        assert not User.objects.filter(username="backdoor").exists()

    def test_is_refused_with_a_signature_of_the_forger(
        self, forged: Path, key: Path, tmp_path: Path, settings: LazySettings
    ) -> None:
        signing_keys.make_signing_key(tmp_path / "another")
        settings.BACKUP_SIGNING_KEY = tmp_path / "another"
        sign(forged)
        assert "No key of HEALTHTRACK_BACKUP_VERIFY_KEYS fits the signature" in refusal(forged, key)
        assert "No key of HEALTHTRACK_BACKUP_VERIFY_KEYS fits the signature" in refusal(forged, key, unsigned=True)

    def test_is_refused_with_the_signature_of_a_genuine_one(self, forged: Path, key: Path, tmp_path: Path) -> None:
        genuine = tmp_path / "genuine"
        call_command("backup", genuine, stdout=StringIO())
        forged.write_bytes(forged.read_bytes() + genuine.read_bytes()[-signatures.LENGTH :])
        assert "fits the signature" in refusal(forged, key)

    def test_is_neither_decrypted_nor_given_to_a_program(
        self, forged: Path, key: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            pytest.fail("The backup was read before its signature was verified.")

        monkeypatch.setattr(pyrage, "decrypt_io", fail)
        monkeypatch.setattr(reading, "running", fail)
        monkeypatch.setattr(restoring, "running", fail)
        assert "Nothing of it was read" in refusal(forged, key)

    def test_that_takes_the_place_of_a_verified_file_is_not_read(
        self, backup: Path, forged: Path, key: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verify = signatures.verify

        def replace_after(*arguments: object, **options: object) -> signatures.Backup:
            verified = verify(*arguments, **options)  # type: ignore[arg-type]  # a plain value will do in a test
            backup.write_bytes(forged.read_bytes())
            return verified

        monkeypatch.setattr(signatures, "verify", replace_after)
        restore(backup, key)
        assert not User.objects.filter(username="backdoor").exists()


class TestKeys:
    def test_are_rotated_by_accepting_several(
        self, backup: Path, key: Path, tmp_path: Path, settings: LazySettings
    ) -> None:
        new = signing_keys.make_signing_key(tmp_path / "new")
        (old,) = settings.BACKUP_VERIFY_KEYS
        settings.BACKUP_SIGNING_KEY = tmp_path / "new"
        call_command("backup", tmp_path / "later", stdout=StringIO())
        assert "fits the signature" in refusal(tmp_path / "later", key)
        settings.BACKUP_VERIFY_KEYS = [old, new]
        assert f"It is signed with {new}." in restore(tmp_path / "later", key)[0]
        assert f"It is signed with {old}." in restore(backup, key)[0]
        settings.BACKUP_VERIFY_KEYS = [new]
        assert "fits the signature" in refusal(backup, key)

    def test_without_one_nothing_is_written_or_restored(self, backup: Path, key: Path, settings: LazySettings) -> None:
        settings.BACKUP_VERIFY_KEYS = []
        assert "set HEALTHTRACK_BACKUP_VERIFY_KEYS" in refusal(backup, key)
        assert "set HEALTHTRACK_BACKUP_VERIFY_KEYS" in refusal(backup, key, unsigned=True)
        settings.BACKUP_SIGNING_KEY = None
        with pytest.raises(CommandError, match="set HEALTHTRACK_BACKUP_SIGNING_KEY"):
            call_command("backup", backup.with_name("another"), stdout=StringIO())
        assert not backup.with_name("another").exists()

    @pytest.mark.parametrize("text", ["ed25519:AAAA", "age1abc", "ed25519:ä", "-----BEGIN PRIVATE KEY-----SECRET"])
    def test_that_are_invalid_are_named_without_being_shown(
        self, backup: Path, key: Path, settings: LazySettings, text: str
    ) -> None:
        settings.BACKUP_VERIFY_KEYS = [text]
        sentence = refusal(backup, key)
        assert "is not a public key for signatures" in sentence
        assert "SECRET" not in sentence

    def test_in_unusable_files_are_reported(self, key: Path, tmp_path: Path, settings: LazySettings) -> None:
        file = tmp_path / "signing.key"  # that of the settings
        file.chmod(0o644)
        with pytest.raises(CommandError, match=f"run chmod 600 {file}"):
            signing_keys.read_signing_key()
        file.chmod(0o600)
        file.write_text("no key")
        with pytest.raises(CommandError, match="holds no signing key"):
            signing_keys.read_signing_key()
        file.unlink()
        with pytest.raises(CommandError, match="cannot be read"):
            signing_keys.read_signing_key()

    def test_are_made_by_a_command_in_a_file_that_only_its_owner_can_read(self, tmp_path: Path) -> None:
        output = StringIO()
        call_command("make_signing_key", tmp_path / "signing.key", stdout=output)
        assert (tmp_path / "signing.key").stat().st_mode & 0o777 == 0o600
        own, public, _ = output.getvalue().split("\n", 2)
        assert own == f"HEALTHTRACK_BACKUP_SIGNING_KEY={tmp_path / 'signing.key'}"
        assert public.startswith("HEALTHTRACK_BACKUP_VERIFY_KEYS=ed25519:")
        assert "PRIVATE" not in output.getvalue()
        with pytest.raises(CommandError, match="already exists"):
            call_command("make_signing_key", tmp_path / "signing.key", stdout=output)


class TestABackupOfAnEarlierVersion:
    def test_needs_an_option_and_is_recorded_as_unsigned(self, unsigned: Path, key: Path) -> None:
        assert "add --unsigned" in refusal(unsigned, key)
        output, errors = restore(unsigned, key, unsigned=True)
        assert "WARNING: if" in errors
        assert "It is not signed." in output
        assert Restore.objects.get().signed_by == ""

    def test_may_lack_the_table_of_restores(
        self, key: Path, patients: None, tmp_path: Path, empty_database: Use
    ) -> None:
        with without_table_of_restores():
            call_command("backup", tmp_path / "old", stdout=StringIO())
        with empty_database():
            restore(tmp_path / "old", key)
            assert Restore.objects.get().file_name == "old"
            call_command("migrate", check_unapplied=True, stdout=StringIO())


class TestWhatARestoreLeaves:
    def test_no_session_is_valid_afterwards_and_no_staged_row_is_left(
        self, key: Path, patients: None, tmp_path: Path
    ) -> None:
        person = User.objects.create_user("ada")
        Session.objects.create(
            session_key="s" * 32,
            session_data="",
            expire_date=timezone.now(),
            user=person,
            began_at=timezone.now(),
            active_at=timezone.now(),
        )
        with pytest.MonkeyPatch.context() as patch:  # as earlier versions wrote it
            patch.setattr(writing, "DUMP_OPTIONS", ("--format=custom", "--schema=public"))
            call_command("backup", tmp_path / "b", stdout=StringIO())
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE imports.run_1_staged_rows ()")
        restore(tmp_path / "b", key)
        assert User.objects.filter(username="ada").exists()
        assert not Session.objects.exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regnamespace('imports') IS NOT NULL, to_regclass('imports.run_1_staged_rows')")
            assert cursor.fetchone() == (True, None)

    def test_it_says_and_records_what_was_restored(self, key: Path, patients: None, tmp_path: Path) -> None:
        User.objects.create_superuser("ada")
        User.objects.create_user("bob", is_active=False)
        User.objects.create_user("eve").groups.add(Group.objects.get(name="Auditor"))
        call_command("backup", tmp_path / "b", stdout=StringIO())
        output, _ = restore(tmp_path / "b", key)
        assert "Accounts: 3; 2 can sign in, 1 as superusers." in output
        assert "Accounts by role: Auditor 1." in output
        assert "Last change in the history: 20" in output
        record = Restore.objects.get()
        assert (record.file_name, record.accounts, record.open_accounts, record.superusers) == ("b", 3, 2, 1)
        assert record.role_holders == {"Auditor": 1}
        assert record.last_change_at
        assert record.written.startswith("20")

    def test_the_record_of_an_earlier_restore_stays(self, backup: Path, key: Path) -> None:
        restore(backup, key)
        restore(backup, key)
        assert Restore.objects.count() == 2

    def test_nobody_can_change_the_record(self, backup: Path, key: Path) -> None:
        restore(backup, key)
        for statement in ("DELETE FROM restores", "UPDATE restores SET signed_by = 'x'", "TRUNCATE restores"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                database_of_the_tests().ask(statement)
