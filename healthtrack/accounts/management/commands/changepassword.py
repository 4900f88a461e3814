from django.contrib.auth.management.commands import changepassword

from healthtrack.audit.actor import AttributedCommand


class Command(AttributedCommand, changepassword.Command):
    """Django's command, which the history names as the actor."""
