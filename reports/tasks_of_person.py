"""The tasks that Home shows a person, without those that the person dismissed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from healthtrack.core.attention import Task, get_sources, rank
from healthtrack.core.permissions import Person
from reports.models import DismissedTask


def count_for_everybody() -> Sequence[Any]:
    """Return what each source of tasks counts, in the order of the sources."""
    return [source.count() for source in get_sources()]


@dataclass(frozen=True)
class TasksOfPerson:
    """The tasks that a person may act on. `counts` is what `count_for_everybody` returned."""

    person: Person
    counts: Sequence[Any]

    @cached_property
    def all(self) -> Sequence[Task]:
        """All tasks, those that affect most patients first."""
        sources = zip(get_sources(), self.counts, strict=True)
        return rank(
            task for source, count in sources if source.is_for(self.person) for task in source.find(self.person, count)
        )

    @cached_property
    def open(self) -> Sequence[Task]:
        """The tasks that the person has not dismissed."""
        return [task for task in self.all if not task.facts or self._dismissed.get(task.key) != task.facts]

    @property
    def dismissed(self) -> int:
        """How many tasks the person has dismissed."""
        return len(self.all) - len(self.open)

    def dismiss(self, key: str) -> None:
        """Dismiss the task with this key, if there is one that may be dismissed."""
        task = next((task for task in self.all if task.key == key and task.facts), None)
        if task:
            DismissedTask.objects.update_or_create(
                person_id=self.person.pk, key=task.key, defaults={"facts": task.facts}
            )

    def restore(self) -> None:
        """Show all tasks again."""
        DismissedTask.objects.filter(person=self.person.pk).delete()

    @cached_property
    def _dismissed(self) -> Mapping[str, str]:
        if not any(task.facts for task in self.all):
            return {}
        return dict(DismissedTask.objects.filter(person=self.person.pk).values_list("key", "facts"))
