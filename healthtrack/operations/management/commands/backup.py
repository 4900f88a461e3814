from pathlib import Path

from django.core.management.base import BaseCommand, CommandParser
from django.template.defaultfilters import filesizeformat

from healthtrack.operations.backups import writing


class Command(BaseCommand):
    help = "Writes the whole database into one file, encrypted for HEALTHTRACK_BACKUP_RECIPIENTS, and reads it back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the file to write, which is not there yet")

    def handle(self, *, file: Path, **_: object) -> None:
        size = filesizeformat(writing.write(file)).replace("\xa0", " ")
        self.stdout.write(f"The database is backed up in {file} ({size}), which was read back whole.")
