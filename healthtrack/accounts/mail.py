"""Mail to accounts, if a mail server is configured. The table of mails says what was sent or failed, not the text."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import models
from django.db.models.functions import Now

from healthtrack.core.database.append_only import AppendOnly

_logger = logging.getLogger(__name__)


class Mail(models.Model):
    """A mail that the mail server took, or that could not be sent."""

    mail_id = models.BigAutoField(primary_key=True, db_comment="Number of the mail")
    sent_at = models.DateTimeField(db_default=Now(), db_comment="When it was sent, or could not be sent")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_comment="Account that it is for"
    )
    purpose = models.CharField(max_length=50, db_comment="What it is about, such as sign-in link")
    error = models.CharField(
        max_length=100, blank=True, db_comment="Type of the error, empty if the mail server took the mail"
    )

    class Meta:
        db_table = "mails"
        db_table_comment = "Mails that were sent or failed, without addresses and texts; rows are only added"
        default_permissions = ()
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return f"Mail {self.mail_id}"


def is_configured() -> bool:
    """Return whether the program has a mail server."""
    return settings.MAIL_SERVER is not None


def send(account: User, purpose: str, subject: str, text: str) -> bool:
    """Send a mail to the address of the account, and return whether the mail server took it.

    Call it outside of a transaction: the mail server may take ten seconds to answer.
    """
    error = ""
    try:
        send_mail(subject, text, None, [account.email])
    except (SMTPException, OSError) as reason:
        error = type(reason).__name__
        _logger.warning("A mail could not be sent.", extra={"fields": {"account": account.pk, "error": error}})
    Mail.objects.create(account=account, purpose=purpose, error=error)
    return not error
