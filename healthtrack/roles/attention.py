"""Emergency access as a task on Home, for those who review it."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from healthtrack.core.attention import Task, TaskSource
from healthtrack.core.permissions import Person, has_all
from healthtrack.roles import emergency


def _find(_: Person, __: None) -> Iterator[Task]:
    if latest := emergency.recent_accesses():
        began = date_format(timezone.localtime(latest[0].began_at), "DATETIME_FORMAT")
        times = "once" if len(latest) == 1 else f"{len(latest):,} times"
        yield Task(
            key="emergency-access",
            sentence=f"Emergency access was used {times} in the last 7 days, most recently by {latest[0].person}"
            f" on {began}.",
            action="See why",
            href=reverse("admin:roles_emergencyaccess_changelist"),
            facts=str(latest[0].pk),
        )


SOURCES = [TaskSource(has_all("roles.view_emergencyaccess"), _find)]
