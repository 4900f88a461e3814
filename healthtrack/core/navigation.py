"""Build the navigation of every page. Apps register their entries; the project decides the order of the sections."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from operator import attrgetter

from django.http import HttpRequest
from django.urls import reverse

from healthtrack.core.permissions import Person


@dataclass(frozen=True)
class Entry:
    """A page in a section of the navigation. A section shows its entries sorted by `order`.

    The search finds the page by its label, or by its title, if it has another one. `below` names another page whose
    address begins those of pages that belong to the entry as well.
    """

    section: str
    label: str
    page: str
    order: int
    is_open_to: Callable[[Person], bool]
    title: str = ""
    below: str = ""


@dataclass(frozen=True)
class Section:
    """A section links to its own page or, without one, to the first of its entries that the person may open.

    A section with entries is shown to people who may open one of them; a section without entries is shown to everyone.
    """

    label: str
    page: str = ""


@dataclass(frozen=True)
class Link:
    """A link in the navigation, as templates show it."""

    label: str
    address: str
    entries: tuple["Link", ...] = ()
    current: str = ""  # as in aria-current
    title: str = ""
    badge: "Badge | None" = None
    below: str = ""


@dataclass(frozen=True)
class Badge:
    """A number beside a section, such as of things that are new, and what it counts."""

    count: int
    description: str


@dataclass(frozen=True)
class FoundPage:
    """A page that a search finds, with the section that it belongs to."""

    title: str
    address: str
    section: str = ""


_sections: list[Section] = []
_badges: dict[str, tuple[Callable[[HttpRequest], int], str]] = {}
_providers: list[Callable[[], Iterable[Entry]]] = []


def set_sections(*sections: Section) -> None:
    """Set the sections in their order."""
    _sections[:] = sections


def register(entries: Callable[[], Iterable[Entry]]) -> None:
    """Add the entries that the function returns; it is called for each page, and not before the first one."""
    _providers.append(entries)


def register_badge(section: str, count: Callable[[HttpRequest], int], description: str) -> None:
    """Show a number beside a section unless it is 0. `count` is called for each page, and must make no query."""
    _badges[section] = count, description


def add_badges(links: Iterable[Link], request: HttpRequest) -> list[Link]:
    """Return the sections with their badges."""
    badges = ((link, _get_badge(link.label, request)) for link in links)
    return [replace(link, badge=badge) if badge else link for link, badge in badges]


def _get_badge(section: str, request: HttpRequest) -> Badge | None:
    count, description = _badges.get(section, (None, ""))
    number = count(request) if count else 0
    return Badge(number, description) if number else None


def get_links(person: Person, path: str) -> list[Link]:
    """Return the sections that the person may open; the one that contains the page at this path is marked."""
    sections = list(_shown(person))
    entries = [entry for section in sections for entry in section.entries]
    addresses = {entry.address for entry in entries if path.startswith((entry.address, entry.below or entry.address))}
    # A page below a section's own page need not belong to it: /admin/password_change/ is not a page of Administration.
    addresses |= {section.address for section in sections if section.address == path}
    here = max(addresses, key=len, default="")
    return [_marked(section, here, path) for section in sections]


def find_pages(person: Person, text: str) -> list[FoundPage]:
    """Return the pages that the person may open, and whose section or title has a word that begins with each word."""
    pages = [
        FoundPage(link.title or link.label, link.address, "" if link is section else section.label)
        for section in _shown(person)
        for link in (section, *section.entries)
    ]
    found = [page for page in pages if has_words(f"{page.section} {page.title}", text)]
    return list({page.address: page for page in reversed(found)}.values())[::-1]


def has_words(title: str, text: str) -> bool:
    """Return whether the text has words, and each begins a word of the title, ignoring case."""
    beginnings, words = text.casefold().split(), title.casefold().split()
    return bool(beginnings) and all(any(word.startswith(start) for word in words) for start in beginnings)


def get_section_address(person: Person, label: str) -> str:
    """Return the address of the first page of a section that the person may open, '' if there is none."""
    return next((link.address for link in _shown(person) if link.label == label), "")


def get_trail(sections: list[Link]) -> list[Link]:
    """Return the links above the page at which the sections are marked: its section and its entry, if it has any."""
    current = [link for section in sections for link in (section, *section.entries) if link.current]
    return list({link.address: link for link in reversed(current)}.values())[::-1]


def is_in_menu(sections: list[Link]) -> bool:
    """Return whether the navigation links to the page itself."""
    return any(link.current == "page" for section in sections for link in (section, *section.entries))


def _shown(person: Person) -> Iterator[Link]:
    entries = sorted((entry for provided in _providers for entry in provided()), key=attrgetter("order"))
    for section in _sections:
        own = [entry for entry in entries if entry.section == section.label]
        shown = tuple(
            Link(entry.label, _get_address(entry.page), title=entry.title, below=_get_address(entry.below))
            for entry in own
            if entry.is_open_to(person)
        )
        if shown or not own:
            yield Link(section.label, _get_address(section.page) or shown[0].address, shown)


@cache
def _get_address(page: str) -> str:
    return reverse(page) if page else ""


def _marked(link: Link, here: str, path: str) -> Link:
    if here not in {link.address, *(entry.address for entry in link.entries)}:
        return link
    entries = tuple(_marked(entry, here, path) for entry in link.entries)
    return replace(link, entries=entries, current="page" if link.address == path else "true")
