from pathlib import Path

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from healthtrack.operations.backups import restoring


class Command(BaseCommand):
    help = "Restore the database from a backup: all of it or, if anything fails, nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="a file that `manage.py backup` wrote")
        parser.add_argument(
            "--key",
            type=Path,
            required=True,
            metavar="KEYFILE",
            help="the file with the secret key, as `manage.py make_backup_key` wrote it",
        )
        parser.add_argument("--replace", action="store_true", help="delete everything in the database first")

    def handle(self, *, file: Path, key: Path, replace: bool, **_: object) -> None:
        manifest = restoring.restore(file, key, replace=replace)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        if manifest:
            self.stdout.write(f"HealthTrack {manifest.version} wrote this backup at {manifest.created}.")
        self.stdout.write(
            f"The database is as it was when {file} was written."
            " If your HealthTrack is newer, run `manage.py migrate` to bring the tables up to date."
        )
