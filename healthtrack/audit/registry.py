"""What other apps tell the audit: what their pages are called, and which imports inserted rows."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Insertion:
    """Who inserted rows in bulk, and when: the history has no change for each such row."""

    at: datetime
    person: str  # empty for the command line


@dataclass(frozen=True)
class InsertSource:
    """An app that inserts rows in bulk, and marks each with the number of the run that inserted it.

    `find` returns the insertions of these runs by number, and leaves out the runs that no longer exist; `address`
    is that of a run's page.
    """

    find: Callable[[Collection[int]], Mapping[int, Insertion]]
    address: Callable[[int], str]


_pages: list[Callable[[], Mapping[str, str]]] = []
_sources: list[InsertSource] = []


def register_page_names(names: Callable[[], Mapping[str, str]]) -> None:
    """Add what pages are called in the access log, by the names of their URLs; the function is called when needed."""
    _pages.append(names)


def page_names() -> dict[str, str]:
    return {page: name for names in _pages for page, name in names().items()}


def register_insert_source(source: InsertSource) -> None:
    """Set the app whose runs insert rows; there is one."""
    _sources[:] = [source]


def insertions(runs: Collection[int]) -> Mapping[int, Insertion]:
    return _sources[0].find(runs) if _sources and runs else {}


def run_address(run: int) -> str:
    return _sources[0].address(run) if _sources else ""
