"""What needs somebody's attention. Apps register sources of tasks, and Home shows each person those they may act on.

An app declares its sources in a module, and registers the dotted path of the list in `AppConfig.ready`. The module is
imported when Home is first shown.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.module_loading import import_string

from healthtrack.core.permissions import Person

MAX_KEY_LENGTH = 100
MAX_FACTS_LENGTH = 200


@dataclass(frozen=True)
class Task:
    """Something that a person has to do, and the page for it.

    `key` identifies the task, and `patients` says how many patients it affects: Home shows the task that affects most
    of them first. People may dismiss a task with `facts`, and see it again as soon as the facts are different ones.
    """

    key: str
    sentence: str
    action: str
    href: str
    patients: int = 0
    facts: str = ""


def _count_nothing() -> None:
    return None


@dataclass(frozen=True)
class TaskSource:
    """Where tasks come from.

    `is_for` returns whether a person may act on its tasks. `find` returns the tasks of such a person; it runs each time
    that the person opens Home, so it may make one quick query. `count` counts what is the same for everybody; Home
    caches the result until the data of the reports changes, and passes it to `find`.
    """

    is_for: Callable[[Person], bool]
    find: Callable[[Person, Any], Iterable[Task]]
    count: Callable[[], Any] = _count_nothing


_paths: list[str] = []


def register(path: str) -> None:
    """Add the sources at a dotted path, such as `patients.attention.SOURCES`."""
    _paths.append(path)


def get_sources() -> list[TaskSource]:
    """Return the sources of all apps, in the order of their registration."""
    lists: list[Sequence[TaskSource]] = [import_string(path) for path in _paths]
    return [source for sources in lists for source in sources]


def rank(tasks: Iterable[Task]) -> list[Task]:
    """Return the tasks, those that affect most patients first."""
    return sorted(tasks, key=lambda task: -task.patients)
