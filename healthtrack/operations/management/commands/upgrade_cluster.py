from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from healthtrack.operations.embedded_postgres import upgrading


class Command(BaseCommand):
    help = (
        "Upgrade the embedded PostgreSQL to the newest major version on this machine with pg_upgrade. Compares all data"
        " afterwards, and leaves the old cluster beside the new one."
    )
    requires_system_checks = []  # they would start the server

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--old-programs",
            type=Path,
            metavar="FOLDER",
            help="folder of the PostgreSQL programs that created the cluster, if they are not found by themselves",
        )

    def handle(self, *, old_programs: Path | None, **_: object) -> None:
        done = upgrading.upgrade(settings.HEALTHTRACK_DATA_DIR, old_programs, self.stdout.write)
        self.stdout.write(
            f"Upgraded from version {done.old_major} to {done.new_major}. {done.rows:,} rows of {done.tables} tables"
            f" were compared. The old cluster is {done.old_cluster}. Delete it when you no longer need it."
        )
