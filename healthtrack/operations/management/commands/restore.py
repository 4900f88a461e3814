from pathlib import Path

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from healthtrack.operations.backups import restoring


class Command(BaseCommand):
    help = "Fills the database from a backup: all of it, or nothing when anything is amiss."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="what `manage.py backup` wrote")
        parser.add_argument(
            "--key",
            type=Path,
            required=True,
            metavar="KEYFILE",
            help="the file with the secret key, as `manage.py make_backup_key` wrote it",
        )
        parser.add_argument(
            "--replace", action="store_true", help="delete all that the database holds for what the backup holds"
        )

    def handle(self, *, file: Path, key: Path, replace: bool, **_: object) -> None:
        restoring.restore(file, key, replace=replace)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self.stdout.write(
            f"The database is as it was when {file} was written."
            " If HealthTrack is newer than that, let `manage.py migrate` bring the tables up to date."
        )
