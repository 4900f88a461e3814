"""Sign files as backups are signed."""

from pathlib import Path

from healthtrack.operations.backups import signatures, signing_keys


def sign(file: Path) -> None:
    """Append a signature with the key of the settings."""
    content = file.read_bytes()
    with file.open("wb") as target:
        sink = signatures.SigningSink(target)
        sink.write(content)
        sink.sign(signing_keys.read_signing_key())
