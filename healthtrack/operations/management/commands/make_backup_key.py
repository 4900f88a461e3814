from pathlib import Path

from django.core.management.base import BaseCommand, CommandParser

from healthtrack.operations.backups import keys


class Command(BaseCommand):
    help = "Make a pair of keys for backups: the public key encrypts, the secret key restores."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the file for the secret key")

    def handle(self, *, file: Path, **_: object) -> None:
        public = keys.make_key(file)
        self.stdout.write(
            f"HEALTHTRACK_BACKUP_RECIPIENTS={public}\n"
            f"The secret key is in {file}. Store it in two places, away from the backups:"
            " without it nobody can read them."
        )
