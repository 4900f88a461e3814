"""The latest changes by hand, of what the person may see."""

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest

CHANGES_SHOWN = 8


def latest_changes(request: HttpRequest) -> list[LogEntry]:
    seen = [model for model, pages in admin.site._registry.items() if pages.has_view_permission(request)]
    if not seen:
        return []
    types = ContentType.objects.get_for_models(*seen).values()
    entries = LogEntry.objects.filter(content_type__in=types).select_related("content_type", "user")
    return list(entries.order_by("-action_time")[:CHANGES_SHOWN])
