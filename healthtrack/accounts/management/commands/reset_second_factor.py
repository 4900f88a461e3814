from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from healthtrack.accounts import second_factor


class Command(BaseCommand):
    help = "Takes somebody's second factor away, and signs them out everywhere: for the last administrator who lost it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user_name", metavar="USERNAME")

    def handle(self, *, user_name: str, **_: object) -> None:
        person = User.objects.filter(username=user_name).first()
        if person is None:
            raise CommandError(f"There is no user {user_name}.")
        second_factor.take_away(person)
        self.stdout.write(f"{user_name} sets a second factor up anew at the next sign-in.")
