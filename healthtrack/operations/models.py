from django.db import models
from django.db.models.functions import Now

from healthtrack.core.append_only import AppendOnly


class Restore(models.Model):
    """A restore of the database from a backup. `manage.py restore` writes it, and nothing can change it afterwards."""

    MAX_NAME, MAX_TEXT = 255, 50

    restore_id = models.BigAutoField(primary_key=True, db_comment="Number of the restore")
    restored_at = models.DateTimeField("when", db_default=Now(), db_comment="When the restore ended")
    database_role = models.CharField(max_length=63, db_comment="Database role that restored")
    file_name = models.CharField("file", max_length=MAX_NAME, db_comment="Name of the backup file, without its folder")
    version = models.CharField(max_length=MAX_TEXT, db_comment="HealthTrack that wrote the backup, empty if unknown")
    written = models.CharField("backup of", max_length=MAX_TEXT, db_comment="When it was written, empty if unknown")
    signed_by = models.CharField(max_length=60, db_comment="Public key that fits its signature, empty if unsigned")
    accounts = models.IntegerField(db_comment="Accounts that it brought, open and closed")
    open_accounts = models.IntegerField(db_comment="Accounts that can sign in")
    superusers = models.IntegerField(db_comment="Open accounts with superuser status")
    role_holders = models.JSONField("roles", db_comment="How many open accounts have each role")
    last_change_at = models.DateTimeField(
        "last change in history", null=True, db_comment="When the last row of its history was written, null if none"
    )

    class Meta:
        db_table = "restores"
        db_table_comment = "Restores of the database from a backup; rows are only added"
        ordering = ["-restore_id"]
        default_permissions = ("view",)
        triggers = [AppendOnly(application_inserts=False)]

    def __str__(self) -> str:
        return f"Restore {self.restore_id}"

    def describe_roles(self) -> str:
        """Return the roles with the number of open accounts that have them."""
        return ", ".join(f"{name} {holders}" for name, holders in self.role_holders.items()) or "none"
