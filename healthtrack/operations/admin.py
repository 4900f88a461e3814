"""The page of restores, which nobody can change."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern

from healthtrack.core.admin import ConflictSafeModelAdmin
from healthtrack.operations.models import Restore


@admin.register(Restore)
class RestoreAdmin(ConflictSafeModelAdmin):
    list_display = (
        *("restored_at", "file_name", "written", "version", "signature"),
        *("open_accounts", "superusers", "roles", "last_change_at", "database_role"),
    )
    list_display_links = None

    def get_urls(self) -> list[URLPattern]:
        return [pattern for pattern in super().get_urls() if str(pattern.name).endswith("_changelist")]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Restore | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Restore | None = None) -> bool:
        return False

    @admin.display
    def signature(self, restore: Restore) -> str:
        return restore.signed_by or "UNSIGNED"

    @admin.display
    def roles(self, restore: Restore) -> str:
        return restore.describe_roles()
