"""What other apps register with the audit: names of pages and filters, and the imports that inserted rows."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Insertion:
    """Who inserted rows in bulk, and when. The history has no change for such rows."""

    at: datetime
    person: str  # empty for the command line


@dataclass(frozen=True)
class InsertSource:
    """An app that inserts rows in bulk, and stores in each row the number of the run that inserted it.

    `find` returns the insertions of these runs by number, without runs that no longer exist. `address` returns the
    address of a run's page.
    """

    find: Callable[[Collection[int]], Mapping[int, Insertion]]
    address: Callable[[int], str]


_filters: list[Callable[[], Mapping[str, str]]] = []
_pages: list[Callable[[], Mapping[str, str]]] = []
_sources: list[InsertSource] = []


def register_page_names(names: Callable[[], Mapping[str, str]]) -> None:
    """Register a function that returns the names of pages in the access log, by their URL names."""
    _pages.append(names)


def page_names() -> dict[str, str]:
    """Return the names of all registered pages, by their URL names."""
    return {page: name for names in _pages for page, name in names().items()}


def register_filter_labels(labels: Callable[[], Mapping[str, str]]) -> None:
    """Register a function that returns the labels of filters, by the names that the access log stores."""
    _filters.append(labels)


def filter_labels() -> dict[str, str]:
    """Return the labels of all registered filters, by name."""
    return {name: label for labels in _filters for name, label in labels().items()}


def register_insert_source(source: InsertSource) -> None:
    """Set the one app whose runs insert rows in bulk."""
    _sources[:] = [source]


def insertions(runs: Collection[int]) -> Mapping[int, Insertion]:
    """Return the insertions of these runs, by number."""
    return _sources[0].find(runs) if _sources and runs else {}


def run_address(run: int) -> str:
    """Return the address of the run's page, '' if no app has registered one."""
    return _sources[0].address(run) if _sources else ""
