from pathlib import Path

from django.core.management.base import BaseCommand, CommandParser

from healthtrack.operations.backups import signing_keys


class Command(BaseCommand):
    help = "Make a pair of keys for signatures of backups: the signing key signs, the public key verifies."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the file for the signing key")

    def handle(self, *, file: Path, **_: object) -> None:
        public = signing_keys.make_signing_key(file)
        self.stdout.write(
            f"HEALTHTRACK_BACKUP_SIGNING_KEY={file.absolute()}\n"
            f"HEALTHTRACK_BACKUP_VERIFY_KEYS={public}\n"
            "Only whoever writes backups may read the file. Set the second variable where you restore, and note the"
            " public key apart from the backups: with another one, a restore would accept backups of others."
        )
