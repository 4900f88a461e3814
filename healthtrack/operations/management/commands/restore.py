from pathlib import Path

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from healthtrack.accounts.sign_in import key_rotation
from healthtrack.core.database.search_path import refuse_namesake_schema
from healthtrack.operations.backups import restoring
from healthtrack.operations.models import Restore

UNSIGNED = (
    "WARNING: if {file} has no signature, nothing shows who wrote it. Whoever has the public key of your backups can"
    " forge one, with accounts of their own and another history. The restore is recorded as unsigned."
)


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
        parser.add_argument(
            "--unsigned", action="store_true", help="accept a backup without a signature, of a version before 0.2.0"
        )

    def handle(self, *, file: Path, key: Path, replace: bool, unsigned: bool, **_: object) -> None:
        refuse_namesake_schema()
        if unsigned:
            self.stderr.write(UNSIGNED.format(file=file))
        restored = restoring.restore(file, key, replace=replace, unsigned=unsigned)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        for line in _describe(restored):
            self.stdout.write(line)
        for sentence in key_rotation.describe_problems():
            self.stderr.write(f"WARNING: {sentence}")
        self.stdout.write(
            f"The database is as it was when {file} was written, except that all sessions have ended."
            " If your HealthTrack is newer, run `manage.py migrate` to bring the tables up to date."
        )


def _describe(restored: Restore) -> list[str]:
    signature = f"It is signed with {restored.signed_by}." if restored.signed_by else "It is not signed."
    origin = f"HealthTrack {restored.version} wrote this backup at {restored.written}. " if restored.version else ""
    last = restored.last_change_at
    return [
        f"{origin}{signature}",
        f"Accounts: {restored.accounts}; {restored.open_accounts} can sign in, {restored.superusers} as superusers.",
        f"Accounts by role: {restored.describe_roles()}.",
        f"Last change in the history: {f'{last:%Y-%m-%d %H:%M:%S} UTC' if last else 'none'}.",
    ]
