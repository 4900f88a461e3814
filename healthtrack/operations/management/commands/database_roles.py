from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from healthtrack.operations import database_roles


class Command(BaseCommand):
    help = (
        "Prints the rights of the database role that the program runs as, or gives them with --apply. Run it as the"
        " role that owns the tables, after each migrate."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--app", default="healthtrack_app", metavar="ROLE", help="the role that the program runs as"
        )
        parser.add_argument("--apply", action="store_true", help="give the rights, and print nothing")

    def handle(self, *, app: str, apply: bool, **_: object) -> None:
        if not apply:
            self.stdout.writelines(f"{statement};" for statement in database_roles.statements(app))
            return
        try:
            with transaction.atomic():
                database_roles.apply(app)
        except database_roles.DatabaseRolesError as fault:
            raise CommandError(str(fault)) from fault
