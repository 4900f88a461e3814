"""What people choose about their pages: the time zone and the format of dates."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q

from healthtrack.accounts.recorded_tables import NAME_OF_USER, USER
from healthtrack.audit.recording import Recording
from healthtrack.audit.triggers import history_as
from healthtrack.core.date_formats import DATE_FORMATS


class Preferences(models.Model):
    """What a person chose. Without a row, and where a choice is empty, the settings of the program apply."""

    MAX_ZONE_NAME = 50

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.PROTECT,
        related_name="preferences",
        db_comment="Whose preferences they are",
    )
    time_zone = models.CharField(
        max_length=MAX_ZONE_NAME,
        blank=True,
        db_default="",
        db_comment="Time zone in which pages write times, such as Asia/Kolkata; empty for that of the program",
    )
    date_format = models.CharField(
        max_length=10,
        blank=True,
        choices=list(DATE_FORMATS.items()),
        db_default="",
        db_comment="Format in which pages write dates; empty for that of the program",
    )

    mails_of_imports = models.BooleanField(
        default=False,
        db_default=False,
        db_comment="Whether the person wants a mail when an import of theirs has finished",
    )

    class Meta:
        db_table = "preferences"
        db_table_comment = "What people chose about their pages"
        default_permissions = ()
        verbose_name = "preferences of user"
        verbose_name_plural = "preferences of users"
        constraints = [
            CheckConstraint(name="preferences_date_format_known", condition=Q(date_format__in=["", *DATE_FORMATS]))
        ]
        triggers = history_as(
            Recording(
                USER, "user_id", NAME_OF_USER, {"time_zone": "{}", "date_format": "{}", "mails_of_imports": "{}"}
            ),
        )

    def __str__(self) -> str:
        return f"Preferences of {self.user_id}"
