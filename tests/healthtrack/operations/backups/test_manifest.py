import io
from pathlib import Path

import pyrage
import pytest
from django.core.management import call_command

from healthtrack import __version__
from healthtrack.operations.backups import keys, reading, signatures, signing_keys, writing
from healthtrack.operations.backups.manifest import MAX_LENGTH, Manifest, SinkWithoutManifest, SourceWithManifest
from tests.support.restored import Use, contents

ARCHIVE = b"PGDMP\x01 with\n several\n lines"


def read_through(data: bytes, size: int) -> tuple[Manifest | None, bytes]:
    """Return the manifest and the archive that the sink makes of the data when it comes in parts of this size."""
    archive = io.BytesIO()
    sink = SinkWithoutManifest(archive)
    for begin in range(0, len(data), size):
        sink.write(data[begin : begin + size])
    sink.flush()
    return sink.manifest, archive.getvalue()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_manifest_is_separated_from_the_archive_however_they_are_cut(size: int) -> None:
    source = SourceWithManifest(io.BytesIO(ARCHIVE))
    data = b"".join(iter(lambda: source.read(size), b""))
    manifest, archive = read_through(data, size)
    assert manifest
    assert manifest.version == __version__
    assert archive == ARCHIVE


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize(
    "data",
    [
        ARCHIVE,
        b"",
        b"Health",
        b"HealthTrack backup of something else\n",
        b'HealthTrack backup {"version": "0.1.0"}\n',
        b"HealthTrack backup " + b"x" * MAX_LENGTH,
    ],
)
def test_what_has_no_manifest_is_passed_on_unchanged(data: bytes, size: int) -> None:
    assert read_through(data, size) == (None, data)


@pytest.mark.django_db(transaction=True)
def test_a_backup_states_the_version_that_wrote_it_and_when(backup: Path, key: Path, empty_database: Use) -> None:
    output = io.StringIO()
    with empty_database():
        call_command("restore", backup, key=key, stdout=output)
    assert f"HealthTrack {__version__} wrote this backup at 20" in output.getvalue()


@pytest.mark.django_db(transaction=True)
def test_only_the_holder_of_the_key_can_read_the_manifest(backup: Path, key: Path) -> None:
    assert b"HealthTrack backup" not in backup.read_bytes()
    identities = keys.read_identities(key)
    encrypted = backup.read_bytes()[: -signatures.LENGTH]
    assert pyrage.decrypt(encrypted, identities).startswith(b"HealthTrack backup {")
    with backup.open("rb") as file:
        verified = signatures.verify(backup, file, signing_keys.read_verify_keys())
        manifest = reading.check_whole(verified, identities)
    assert manifest
    assert manifest.version == __version__


@pytest.mark.django_db(transaction=True)
def test_a_backup_of_an_earlier_version_without_a_manifest_can_be_restored(
    key: Path, patients: None, tmp_path: Path, empty_database: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SourceWithManifest", lambda archive: archive)
    writing.write(tmp_path / "old.backup")
    before = contents()
    output = io.StringIO()
    with empty_database():
        call_command("restore", tmp_path / "old.backup", key=key, stdout=output)
        assert contents() == before
    assert "wrote this backup" not in output.getvalue()
