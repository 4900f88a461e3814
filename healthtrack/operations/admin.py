"""The page of restores, which nobody can change."""

from django.contrib import admin

from healthtrack.accounts.pages.list_admin import PersonalListAdmin
from healthtrack.core.admin import ListOnlyModelAdmin
from healthtrack.operations.models import Restore


@admin.register(Restore)
class RestoreAdmin(ListOnlyModelAdmin, PersonalListAdmin):
    list_display = (
        *("restored_at", "file_name", "written", "version", "signature"),
        *("open_accounts", "superusers", "roles", "last_change_at", "database_role"),
    )
    first_step = "This page lists each restore of a backup into this database."

    @admin.display
    def signature(self, restore: Restore) -> str:
        return restore.signed_by or "UNSIGNED"

    @admin.display
    def roles(self, restore: Restore) -> str:
        return restore.describe_roles()
