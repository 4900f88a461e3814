from pathlib import Path

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error
from django.template.defaultfilters import filesizeformat

from healthtrack.core.database.search_path import refuse_namesake_schema
from healthtrack.operations.backups import writing
from healthtrack.operations.history_rights import role_of_session
from healthtrack.operations.models import Backup, Restore


class Command(BaseCommand):
    help = "Write the whole database into one file, encrypted for HEALTHTRACK_BACKUP_RECIPIENTS, and read it back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the file to write; it must not exist yet")

    def handle(self, *, file: Path, **_: object) -> None:
        refuse_namesake_schema()
        size = writing.write(file)
        text = filesizeformat(size).replace("\xa0", " ")
        self.stdout.write(f"Backed up the database to {file} ({text}), and read the whole file back.")
        try:
            Backup.objects.create(database_role=role_of_session(), file_name=file.name[: Restore.MAX_NAME], size=size)
        except Error:  # before the migration of a new version, or with a role that may not
            self.stderr.write("WARNING: the page System status does not know this backup: it could not be recorded.")
