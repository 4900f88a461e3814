from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from healthtrack.core.database.search_path import refuse_namesake_schema
from healthtrack.operations import database_roles


class Command(BaseCommand):
    help = (
        "Print the SQL that grants the application role its rights, or run it with --apply. Run this command as the"
        " role that owns the tables, after each migrate."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--app", default="healthtrack_app", metavar="ROLE", help="the application role, as which HealthTrack runs"
        )
        parser.add_argument("--apply", action="store_true", help="grant the rights, and print nothing")

    def handle(self, *, app: str, apply: bool, **_: object) -> None:
        refuse_namesake_schema()
        if not apply:
            self.stdout.writelines(f"{statement};" for statement in database_roles.make_statements(app))
            return
        try:
            with transaction.atomic():
                database_roles.apply(app)
        except database_roles.DatabaseRolesError as error:
            raise CommandError(str(error)) from error
