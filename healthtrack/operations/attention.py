"""Warnings about the system as tasks on Home, for those who see the page of the system status."""

from collections.abc import Iterator

from healthtrack.core.attention import MAX_FACTS_LENGTH, Task, TaskSource
from healthtrack.core.permissions import Person, has_all
from healthtrack.operations import status


def _find(_: Person, __: None) -> Iterator[Task]:
    facts = status.read_facts()
    for warning in status.list_warnings(facts, status.read_disk()):
        if warning.key == "no-worker" and facts.waiting_jobs:
            continue  # the imports have a task for it
        # The server is updated when its packages are; what else is wrong should not wait.
        facts_to_dismiss = warning.sentence if warning.key == "postgresql" else ""
        yield Task(
            key=f"system-{warning.key}",
            sentence=warning.sentence,
            action="See system status",
            href=warning.href,
            facts=facts_to_dismiss[:MAX_FACTS_LENGTH],
        )


SOURCES = [TaskSource(has_all("operations.view_systemstatus"), _find)]
