"""The sections of the help. Apps register theirs, with the pages that each explains."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from operator import attrgetter

from django.urls import reverse

from healthtrack.core.navigation import FoundPage, has_words

HELP = "Help"


@dataclass(frozen=True)
class HelpSection:
    """A section of the help; the document shows them sorted by `order`.

    `pages` are names of views, with `*` for any characters. `words` are what else people may search for.
    """

    code: str
    title: str
    order: int
    pages: tuple[str, ...] = ()
    words: str = ""

    @property
    def template(self) -> str:
        return f"help/{self.code}.html"

    @cached_property
    def address(self) -> str:
        return f"{reverse('help')}#{self.code}"


_sections: list[HelpSection] = []


def register_help(*sections: HelpSection) -> None:
    """Add the sections to the help."""
    _sections.extend(sections)
    find_section.cache_clear()


def get_sections() -> list[HelpSection]:
    """Return all sections in the order of the document."""
    return sorted(_sections, key=attrgetter("order"))


@cache
def find_section(page: str) -> HelpSection | None:
    """Return the section that explains the page with this view name: the one that names it most exactly."""
    named = [(len(name), section) for section in _sections for name in section.pages if fnmatchcase(page, name)]
    return max(named, key=lambda pair: pair[0])[1] if named else None


def find_help(text: str) -> list[FoundPage]:
    """Return the sections whose title or other words begin with the words of the text."""
    return [
        FoundPage(section.title, section.address, HELP)
        for section in get_sections()
        if has_words(f"{HELP} {section.title} {section.words}", text)
    ]
