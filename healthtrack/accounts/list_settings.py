"""Which columns, in which order, and how many rows per page a person has chosen for a list of the admin."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import UniqueConstraint
from django.http import HttpRequest

CACHE = "_list_settings"


class ListSettings(models.Model):
    """What a person has chosen for one list. Without a row, the list is as the program has it."""

    settings_id = models.AutoField(primary_key=True, db_comment="Number of the row")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the unique constraint begins with it
        db_comment="Who chose this",
    )
    list_name = models.CharField(max_length=100, db_comment="List, by its model, such as patients.medicalrecord")
    columns = ArrayField(models.CharField(max_length=100), db_comment="Names of the columns, in the order shown")
    page_size = models.PositiveSmallIntegerField(db_comment="Rows per page")

    class Meta:
        db_table = "list_settings"
        db_table_comment = "Columns and page sizes that people chose for lists"
        default_permissions = ()
        verbose_name = "list settings"
        verbose_name_plural = "list settings"
        constraints = [
            UniqueConstraint(
                fields=["person", "list_name"],
                name="list_settings_once",
                violation_error_message="This person already has settings for this list.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.list_name} of account {self.person_id}"


def get_list_settings(request: HttpRequest, list_name: str) -> ListSettings | None:
    """Return what the person chose for the list, None if nothing. It is read once for each request."""
    known: dict[str, ListSettings | None] = request.__dict__.setdefault(CACHE, {})
    if list_name not in known:
        known[list_name] = ListSettings.objects.filter(person=request.user.pk, list_name=list_name).first()
    return known[list_name]
