from getpass import getuser
from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.models import User
from django.db import transaction

from healthtrack.accounts.event_recorder import record
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.audit.actor import AttributedCommand


class Command(AttributedCommand, changepassword.Command):
    """Django's command, which the history names as the actor. It records the sign-in event."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        with transaction.atomic():
            report = super().handle(*args, **options)
            record(None, Kind.PASSWORD_CHANGED, User.objects.get(username=options["username"] or getuser()))
        return report
