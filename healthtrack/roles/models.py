"""The tables of emergency access."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q
from django.utils import timezone

from healthtrack.core.database.append_only import AppendOnly
from healthtrack.core.database.constraints import not_blank

DURATION = timedelta(hours=1)


class EmergencyAccess(models.Model):
    """An hour in which a person could view everything, and the reason."""

    access_id = models.BigAutoField(primary_key=True, db_comment="Number of the emergency access")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_comment="Who used it"
    )
    reason = models.CharField(max_length=500, db_comment="Reason, in the person's own words")
    client_address = models.GenericIPAddressField(
        "address", null=True, db_comment="Network address of the person, null if unknown"
    )
    began_at = models.DateTimeField("began", db_comment="When it began")
    ends_at = models.DateTimeField("until", db_comment="When it ends by itself")

    class Meta:
        db_table = "emergency_accesses"
        db_table_comment = "Emergency accesses: who could view everything for an hour, and why; rows are only added"
        verbose_name = "emergency access"
        verbose_name_plural = "emergency accesses"
        ordering = ["-access_id"]
        default_permissions = ("view",)
        permissions = [("use_emergencyaccess", "Can see everything for an hour in an emergency")]
        constraints = [
            not_blank("emergency_accesses", "reason"),
            CheckConstraint(
                name="emergency_accesses_an_hour_at_most",
                condition=Q(ends_at__gt=F("began_at"), ends_at__lte=F("began_at") + DURATION),
            ),
        ]
        indexes = [Index("ends_at", name="emergency_accesses_ends")]
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return f"Emergency access {self.access_id}"

    @property
    def ended_at(self) -> datetime | None:
        return self.end.ended_at if hasattr(self, "end") else None

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None or self.ends_at <= timezone.now()


class EmergencyEnd(models.Model):
    """The early end of an emergency access. The row of the access itself never changes."""

    access = models.OneToOneField(
        EmergencyAccess,
        primary_key=True,
        on_delete=models.PROTECT,
        related_name="end",
        db_comment="The emergency access",
    )
    ended_at = models.DateTimeField("ended", db_comment="When the person ended it")

    class Meta:
        db_table = "emergency_ends"
        db_table_comment = "Emergency accesses that the person ended early; rows are only added"
        default_permissions = ()
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return f"End of emergency access {self.access_id}"
