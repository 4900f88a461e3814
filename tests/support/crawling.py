"""Find every page that people can reach by links, once for each view."""

from collections import deque
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve
from playwright.sync_api import Page

from tests.support.page_addresses import is_page

# Files are not pages; neither are other places of the same page.
LINKS = "a[href^='/']:not([download]):not([href*='format=']), a[href^='?']:not([href*='format='])"


def crawl(page: Page, start: str = "/") -> Iterator[tuple[str, str]]:
    """Yield the view name and the address of each page, as soon as a page that was open before links to it.

    The caller opens the page, whose links are followed then.
    """
    found = {view_name(start)}
    waiting = deque([(view_name(start), start)])
    while waiting:
        name, address = waiting.popleft()
        yield name, address
        for link in page.locator(LINKS).evaluate_all(
            "links => links.map((link) => new URL(link.getAttribute('href'), location).href)"
        ):
            parts = urlsplit(link)
            linked = view_name(parts.path)
            if linked and linked not in found and is_page(linked):
                found.add(linked)
                waiting.append((linked, parts._replace(scheme="", netloc="", fragment="").geturl()))


def view_name(path: str) -> str:
    """Return the name of the view of an address, empty if there is none."""
    try:
        return resolve(path).view_name
    except Resolver404:
        return ""
