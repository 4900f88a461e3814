"""Sources of readings that wait for a decision, as a task on Home."""

from collections.abc import Iterator

from django.urls import reverse

from healthtrack.core.attention import Task, TaskSource
from healthtrack.core.permissions import Person, has_all
from readings.devices.sources import Counted, count_waiting


def _find(_: Person, waiting: Counted) -> Iterator[Task]:
    if waiting.sources:
        more = " or more" * waiting.or_more
        sources = "1 source" if waiting.sources == 1 else f"{waiting.sources:,}{more} sources"
        verb = "waits" if waiting.sources == 1 else "wait"
        yield Task(
            key="unassigned-sources",
            sentence=f"{sources} of readings {verb} for a decision about their device.",
            action="Decide about sources",
            href=reverse("unassigned-sources:list"),
            patients=waiting.patients,
            facts=str(waiting.sources),
        )


SOURCES = [
    TaskSource(
        has_all(
            "readings.decide_streamdevice",
            "readings.view_readingstream",
            "readings.view_device",
            "readings.view_deviceassignment",
        ),
        _find,
        count_waiting,
    )
]
