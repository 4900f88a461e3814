"""Sign-in events: who signed in or out, failed to, changed how they sign in, or was refused a page."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q
from django.db.models.functions import Now

from healthtrack.audit.actor import COMMAND
from healthtrack.core.database.append_only import AppendOnly
from healthtrack.core.database.monthly_partitions import MonthlyPartitions


class Kind(models.TextChoices):
    SIGNED_IN = "signed-in", "Signed in"
    PASSWORD_ACCEPTED = "password-accepted", "Password accepted, code required"
    WRONG_PASSWORD = "wrong-password", "Wrong password"
    WRONG_CODE = "wrong-code", "Wrong code"
    RECOVERY_CODE_USED = "recovery-code-used", "Recovery code used"
    LOCKED_OUT = "locked-out", "Locked out"
    SIGNED_OUT = "signed-out", "Signed out"
    SIGNED_OUT_EVERYWHERE = "signed-out-everywhere", "Signed out everywhere"
    TIMED_OUT = "timed-out", "Session timed out"
    PASSWORD_CHANGED = "password-changed", "Password changed"
    LINK_ISSUED = "link-issued", "Sign-in link issued"
    LINK_USED = "link-used", "Sign-in link used"
    ENROLLED = "enrolled", "Two-factor authentication set up"
    RESET = "reset", "Two-factor authentication reset"
    PAGE_REFUSED = "page-refused", "Page refused"
    EMERGENCY_BEGAN = "emergency-began", "Emergency access started"
    EMERGENCY_ENDED = "emergency-ended", "Emergency access ended"


class SignInEvent(models.Model):
    """Something that happened to an account, or to a name that is no account's.

    People sometimes type a password into the name field, so a name that is no account's is stored as a keyed digest.
    """

    event_id = models.BigAutoField(primary_key=True, db_comment="Number of the event")
    happened_at = models.DateTimeField("when", db_default=Now(), db_comment="When it happened")
    kind = models.CharField(max_length=30, choices=Kind, db_comment="What happened")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,  # checking it would cost as much as writing the row
        db_index=False,
        db_comment="Account concerned, null if the name is no account's, or if nobody was signed in",
    )
    name_digest = models.CharField(
        max_length=64, blank=True, db_comment="Keyed digest of a typed name that is no account's, otherwise empty"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        db_comment="Who did it while signed in, null if it was the person concerned or nobody was signed in",
    )
    page = models.CharField(max_length=100, blank=True, db_comment="Name of the refused page, otherwise empty")
    client_address = models.GenericIPAddressField(
        "address", null=True, db_comment="Network address that it came from, null if unknown, as of commands"
    )
    request = models.CharField(
        max_length=150, blank=True, db_comment="Request id, as in the log, or name of the command that did it"
    )

    partitions = MonthlyPartitions("sign_in_events", "happened_at")

    class Meta:
        db_table = "sign_in_events"
        db_table_comment = (
            "Sign-ins, failures, changes of credentials, refused pages; partitioned by month, rows are only added"
        )
        verbose_name = "sign-in event"
        ordering = ["-happened_at", "-event_id"]
        default_permissions = ("view",)
        constraints = [
            CheckConstraint(name="sign_in_events_kind_known", condition=Q(kind__in=Kind.values)),
            CheckConstraint(name="sign_in_events_account_or_name", condition=Q(person=None) | Q(name_digest="")),
        ]
        indexes = [
            Index(F("happened_at").desc(), name="sign_in_events_happened_at"),
            Index("person", F("happened_at").desc(), name="sign_in_events_person"),
            Index("client_address", F("happened_at").desc(), name="sign_in_events_address"),
            Index("kind", F("happened_at").desc(), name="sign_in_events_kind"),
        ]
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return f"Sign-in event {self.event_id}"

    @property
    def command(self) -> str:
        """Return the command that caused the event and who ran it; empty for events of requests."""
        return self.request if self.request.startswith(COMMAND) else ""
