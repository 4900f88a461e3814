"""What importers give to the pages of a run: parts of a page, links and summaries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PagePart:
    """A part of a page: a template, and the view object that it shows.

    For the access log, `shown` says which part of an upload it shows, and `patients` which patients it names.
    """

    template: str
    view: Any
    shown: Sequence[str] = ()
    patients: Sequence[str] = ()


@dataclass(frozen=True)
class ResultLink:
    """Where the page of an applied run leads to see what it brought, and which patients that names."""

    address: str
    label: str
    patients: Sequence[str] = ()


@dataclass(frozen=True)
class UndoPreview(PagePart):
    """What an undo would do, as a part of its page, and how many stored rows it would delete, revert and restore."""

    deleted: int = 0
    reverted: int = 0
    restored: int = 0

    @property
    def does_nothing(self) -> bool:
        return not (self.deleted or self.reverted or self.restored)


@dataclass(frozen=True)
class Summary:
    """What a run found or did: a headline for its page, lines for the command line, and the details as a page part."""

    headline: str = ""
    lines: Sequence[str] = ()
    notices: Sequence[str] = ()
    part: PagePart | None = None
