from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.core.management.base import CommandError
from django.db import IntegrityError

from healthtrack.audit.account_names import USED_ONCE
from healthtrack.audit.actor import AttributedCommand


class Command(AttributedCommand, createsuperuser.Command):
    """Django's command, which the history names as the actor."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().handle(*args, **options)
        except IntegrityError as error:
            diagnosis = getattr(error.__cause__, "diag", None)
            if diagnosis is None or diagnosis.constraint_name != USED_ONCE:
                raise
            raise CommandError(diagnosis.message_primary) from None
