from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from healthtrack.accounts.sign_in import second_factor
from healthtrack.audit.actor import AttributedCommand


class Command(AttributedCommand):
    help = "Reset a user's two-factor authentication and end their sessions, such as those of the only administrator."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user_name", metavar="USERNAME")

    def handle(self, *, user_name: str, **_: object) -> None:
        person = User.objects.filter(username=user_name).first()
        if person is None:
            raise CommandError(f"There is no user {user_name}.")
        second_factor.reset(person)
        self.stdout.write(f"Two-factor authentication was reset: {user_name} sets it up again at the next sign-in.")
