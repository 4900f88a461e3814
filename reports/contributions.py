"""What the reports contribute to the navigation, the access log and the roles."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps

from healthtrack.core.navigation import Entry
from healthtrack.roles.table import Right
from reports.registry import reports


def navigation_entries() -> Iterator[Entry]:
    """Yield an entry for each report."""
    for report in reports():
        yield Entry("Reports", report.label, f"reports:{report.name}", report.order, report.is_open_to, report.title)


def page_names() -> dict[str, str]:
    """Return the names of the pages in the access log."""
    names = {f"reports:{report.name}": f"Viewed the report “{report.title}”" for report in reports()}
    return {"home": "Viewed recent edits on Home", **names}


def report_pages() -> Iterator[str]:
    """Yield the view names of the reports."""
    return (f"reports:{report.name}" for report in reports())


def pages_of_replicas() -> Iterator[str]:
    """Yield the view names of the pages that may read from a replica."""
    yield "home"
    yield from report_pages()


def permissions() -> Iterator[tuple[Right, str]]:
    """Yield the permission of each report, with the right that includes it."""
    for report in reports():
        yield report.right, f"reports.{report.codename()}"


def create_permissions(using: str, apps: Apps = installed, **_: Any) -> None:
    """Create missing permissions after each migration, as Django does for those that models declare."""
    try:
        permission, content_type = apps.get_model("auth.Permission"), apps.get_model("contenttypes.ContentType")
        holder = apps.get_model("reports.Report")
    except LookupError:  # only some migrations are applied
        return
    holder_type = content_type.objects.db_manager(using).get_for_model(holder)
    # Only missing ones: in production the web server applies migrations too, finds none, and may not write permissions.
    there = set(permission.objects.using(using).filter(content_type=holder_type).values_list("codename", flat=True))
    missing = [
        permission(content_type=holder_type, codename=report.codename(), name=f"Can see the report “{report.title}”")
        for report in reports()
        if report.codename() not in there
    ]
    permission.objects.using(using).bulk_create(missing, ignore_conflicts=True)
