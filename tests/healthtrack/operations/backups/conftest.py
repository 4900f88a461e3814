from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command

from healthtrack.operations.backups import keys, signatures, signing_keys
from tests.support import factories
from tests.support.databases import connected_to, temporary_database
from tests.support.restored import Use


@pytest.fixture
def key(tmp_path: Path, settings: LazySettings) -> Path:
    """Return the file of a secret key; backups are encrypted for its public key, and signed with a new signing key."""
    file = tmp_path / "key"
    settings.BACKUP_RECIPIENTS = [keys.make_key(file)]
    settings.BACKUP_SIGNING_KEY = tmp_path / "signing.key"
    settings.BACKUP_VERIFY_KEYS = [signing_keys.make_signing_key(settings.BACKUP_SIGNING_KEY)]
    return file


@pytest.fixture
def patients(transactional_db: None) -> None:
    model = factories.tracker_model()
    factories.variant(model)
    for number in range(50):
        factories.medical_record(f"P{number}", name=f"Zoë 'Ada'\t{number}", tracker=model.model_name)


@pytest.fixture
def backup(key: Path, patients: None, tmp_path: Path) -> Path:
    file = tmp_path / "healthtrack.backup"
    call_command("backup", file, stdout=StringIO())
    return file


@pytest.fixture
def unsigned(backup: Path) -> Path:
    """Return a backup as versions before 0.2.0 wrote it."""
    content = backup.read_bytes()
    backup.write_bytes(content[: -signatures.LENGTH])
    return backup


@pytest.fixture
def empty_database(transactional_db: None) -> Iterator[Use]:
    """Return a context manager that leads the connection to another database, which is empty at first."""
    with temporary_database() as database:
        yield lambda: connected_to(database.params["dbname"])
