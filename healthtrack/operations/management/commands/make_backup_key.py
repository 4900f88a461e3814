from pathlib import Path

from django.core.management.base import BaseCommand, CommandParser

from healthtrack.operations.backups import keys


class Command(BaseCommand):
    help = "Makes the pair of keys for backups: the public one to encrypt, the secret one to restore."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the file for the secret key")

    def handle(self, *, file: Path, **_: object) -> None:
        public = keys.make(file)
        self.stdout.write(
            f"HEALTHTRACK_BACKUP_RECIPIENTS={public}\n"
            f"The secret key is in {file}. Keep it where the backups are not, and in two places:"
            " without it no backup can be read."
        )
