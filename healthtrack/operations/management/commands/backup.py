from pathlib import Path

from django.core.management.base import BaseCommand, CommandParser
from django.template.defaultfilters import filesizeformat

from healthtrack.core.search_path import refuse_namesake_schema
from healthtrack.operations.backups import writing


class Command(BaseCommand):
    help = "Write the whole database into one file, encrypted for HEALTHTRACK_BACKUP_RECIPIENTS, and read it back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the file to write; it must not exist yet")

    def handle(self, *, file: Path, **_: object) -> None:
        refuse_namesake_schema()
        size = filesizeformat(writing.write(file)).replace("\xa0", " ")
        self.stdout.write(f"Backed up the database to {file} ({size}), and read the whole file back.")
