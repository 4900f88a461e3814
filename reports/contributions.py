"""What the declarations of the reports give the rest of HealthTrack."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps

from healthtrack.core.navigation import Entry
from healthtrack.roles.table import Right
from reports.registry import reports


def navigation_entries() -> Iterator[Entry]:
    for report in reports():
        yield Entry("Reports", report.label, f"reports:{report.name}", report.order, report.open_to)


def page_names() -> dict[str, str]:
    """Return what the pages that show patients are called in the access log."""
    names = {f"reports:{report.name}": f"Read the report “{report.title}”" for report in reports()}
    return {"home": "Read the latest changes on Home", **names}


def permissions() -> Iterator[tuple[Right, str]]:
    """Yield the right of each report, with the permission that it includes."""
    for report in reports():
        yield report.right, f"reports.{report.codename()}"


def create_permissions(using: str, apps: Apps = installed, **_: Any) -> None:
    """Create the permissions that are missing, after each migration, as Django does with those that models declare."""
    try:
        permission, content_type = apps.get_model("auth.Permission"), apps.get_model("contenttypes.ContentType")
        holder = apps.get_model("reports.Report")
    except LookupError:  # only a part of the migrations was applied
        return
    of_holder = content_type.objects.db_manager(using).get_for_model(holder)
    missing = [
        permission(content_type=of_holder, codename=report.codename(), name=f"Can see the report “{report.title}”")
        for report in reports()
    ]
    permission.objects.using(using).bulk_create(missing, ignore_conflicts=True)
