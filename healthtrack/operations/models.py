"""The tables of restores, backups and what else System status shows."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from healthtrack.core.database.append_only import AppendOnly
from healthtrack.core.database.constraints import not_blank


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
    accounts = models.IntegerField(db_comment="Accounts in it, deactivated ones included")
    open_accounts = models.IntegerField(db_comment="Accounts that can sign in")
    superusers = models.IntegerField(db_comment="Active accounts with superuser status")
    role_holders = models.JSONField("roles", db_comment="How many active accounts have each role")
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
        """Return the roles with the number of active accounts that have them."""
        return ", ".join(f"{name} {holders}" for name, holders in self.role_holders.items()) or "none"


class Backup(models.Model):
    """A backup that was written and read back. `manage.py backup` records it."""

    backup_id = models.BigAutoField(primary_key=True, db_comment="Number of the backup")
    written_at = models.DateTimeField(db_default=Now(), db_comment="When it was written and read back")
    database_role = models.CharField(max_length=63, db_comment="Database role that wrote it")
    file_name = models.CharField(max_length=Restore.MAX_NAME, db_comment="Name of the file, without its folder")
    size = models.BigIntegerField(db_comment="Size of the file in bytes")

    class Meta:
        db_table = "backups"
        db_table_comment = "Backups that were written and read back; rows are only added"
        default_permissions = ()
        triggers = [AppendOnly(application_inserts=False)]

    def __str__(self) -> str:
        return f"Backup {self.backup_id}"


class RestoreDrill(models.Model):
    """A test in which somebody restored a backup into another database, and compared it. People record it."""

    drill_id = models.BigAutoField(primary_key=True, db_comment="Number of the drill")
    done_on = models.DateField(db_comment="Day of the drill")
    file_name = models.CharField(max_length=Restore.MAX_NAME, db_comment="Name of the backup file that was restored")
    minutes = models.IntegerField(db_comment="Minutes from the start to the compared database")
    succeeded = models.BooleanField(db_comment="Whether the restored database was complete")
    note = models.CharField(max_length=500, blank=True, db_default="", db_comment="What was compared, or what failed")
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_comment="Who recorded it",
    )
    recorded_at = models.DateTimeField(db_default=Now(), db_comment="When it was recorded")

    class Meta:
        db_table = "restore_drills"
        db_table_comment = "Tests of restoring a backup into another database; rows are only added"
        default_permissions = ("add",)
        constraints = [not_blank("restore_drills", "file_name")]
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return f"Restore drill {self.drill_id}"


class DatabaseSize(models.Model):
    """How large the database was on a day, so that its growth can be seen."""

    day = models.DateField(primary_key=True, db_comment="Day on which it was measured")
    size = models.BigIntegerField(db_comment="Size of the database in bytes")

    class Meta:
        db_table = "database_sizes"
        db_table_comment = "Size of the database by day; the worker measures it each night"
        default_permissions = ()
        permissions = [("view_systemstatus", "Can view the system status")]

    def __str__(self) -> str:
        return f"Size on {self.day}"
