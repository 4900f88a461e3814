"""Passwords that somebody else set, and second factors that somebody else reset.

At the next sign-in the person learns who did it, and sets a new password before any other page opens. A reset ends all
sessions of the account, so a sign-in is the only moment to look.
"""

from typing import Any

import pgtrigger
from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from healthtrack.audit.account_names import name_at
from healthtrack.audit.actor import COMMAND, PERSON, REQUEST, setting

MUST_SET_PASSWORD = "must_set_password"  # noqa: S105  (a key of the session)


class SecurityReset(models.Model):
    """Something that a person signs in with, which somebody else reset. Triggers write it.

    The row is deleted when the person sets a new password. The history of the account stays.
    """

    class What(models.TextChoices):
        PASSWORD = "password", "set your password"
        SECOND_FACTOR = "second-factor", "reset your two-factor authentication"

    reset_id = models.BigAutoField(primary_key=True, db_comment="Number of the reset")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_comment="Account concerned"
    )
    what = models.CharField(max_length=13, choices=What, db_comment="What was reset")
    reset_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        db_comment="Who did it, null for a command",
    )
    command = models.CharField(max_length=150, blank=True, db_comment="Command that did it, empty for a person")
    reset_at = models.DateTimeField(db_default=Now(), db_comment="When it was reset")

    class Meta:
        db_table = "security_resets"
        db_table_comment = "Resets by others; the person sees them at the next sign-in, and then they are deleted"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.account_id}: {self.what}"

    @property
    def who(self) -> str:
        """Return who did it, as `get_resets` found: the user name of that time and the full name, or the command."""
        if self.reset_by is None:
            return f"The {self.command}"
        name, full_name = str(getattr(self, "name")), self.reset_by.get_full_name()  # noqa: B009  (an annotation)
        return f"{full_name} ({name})" if full_name else name


def get_resets(user: User) -> QuerySet[SecurityReset]:
    """Return the resets of which the person does not know yet, the latest first."""
    named = SecurityReset.objects.annotate(name=name_at("reset_by_id", "reset_at")).select_related("reset_by")
    return named.filter(account=user).order_by("-reset_id")


def must_set_password(request: HttpRequest) -> bool:
    """Return whether the person of this session must set a new password before any other page opens."""
    return bool(request.session.get(MUST_SET_PASSWORD))


class _NotesReset(pgtrigger.Trigger):
    """Stores a reset by somebody else: another person, or a command."""

    name = "notes_reset"
    level = pgtrigger.Row
    when = pgtrigger.After
    declare = [
        ("person", f"integer := {setting(PERSON, 'integer')}"),
        ("command", f"text := coalesce(current_setting('{REQUEST}', true), '')"),
    ]

    def get_insert(self, account: str, what: str) -> str:
        return f"""
            INSERT INTO security_resets (account_id, what, reset_by_id, command)
            VALUES ({account}, '{what}', person, CASE WHEN person IS NULL THEN command ELSE '' END);
        """  # noqa: S608  (our own names)


class NotesPassword(_NotesReset):
    """Stores that somebody else set a password, also that of a new account, until the person sets one.

    A command that creates an account is run by its owner. Nobody signs in with a password that begins with !.
    """

    operation = pgtrigger.Insert | pgtrigger.UpdateOf("password")

    def get_func(self, model: Any) -> str:
        return f"""
            IF OLD.password = NEW.password OR starts_with(NEW.password, '!') THEN
                RETURN NULL;
            END IF;
            IF person = NEW.id THEN
                DELETE FROM security_resets WHERE account_id = NEW.id;
            ELSIF person IS NOT NULL OR (TG_OP = 'UPDATE' AND starts_with(command, '{COMMAND}')) THEN
                {self.get_insert("NEW.id", SecurityReset.What.PASSWORD)}
            END IF;
            RETURN NULL;
        """  # noqa: S608  (our own names)


class NotesSecondFactor(_NotesReset):
    """Stores that somebody else removed an app of two-factor authentication."""

    operation = pgtrigger.Delete

    def get_func(self, model: Any) -> str:
        return f"""
            IF person <> OLD.user_id OR (person IS NULL AND starts_with(command, '{COMMAND}')) THEN
                {self.get_insert("OLD.user_id", SecurityReset.What.SECOND_FACTOR)}
            END IF;
            RETURN NULL;
        """
