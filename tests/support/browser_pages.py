from collections.abc import Callable, Iterator
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, ViewportSize

SignInAs = Callable[..., User]

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Without preloading style sheets, which the content security policy forbids.
OPTIONS = {"resultTypes": ["violations"], "runOnly": STANDARDS, "preload": False}
PHONE = ViewportSize(width=400, height=800)
COLOR_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def visit(page: Page, address: str, status: int = 200) -> None:
    response = page.goto(address)
    assert response, f"{address} is the current page already"
    assert response.status == status, f"{address}: {response.status}"


def open_account_menu(page: Page) -> None:
    page.get_by_role("button", name="Account menu of ").click()


def assert_accessible(page: Page) -> None:
    """Fail if axe-core finds a violation in the light or the dark color scheme."""
    for scheme in COLOR_SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options=OPTIONS).response["violations"]
        assert not found, f"{page.url} in {scheme}: " + "\n".join(_describe(found))


def _describe(violations: list[dict[str, Any]]) -> Iterator[str]:
    for violation in violations:
        for node in violation["nodes"]:
            yield f"{violation['id']}: {violation['help']}: {node['html']}: {node['failureSummary']}"


def assert_fits_a_phone(page: Page) -> None:
    """Fail if the page scrolls sideways on a phone; a wide table scrolls by itself."""
    page.set_viewport_size(PHONE)
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1], f"{page.url} is {widths[0]} pixels wide on a screen of {widths[1]}"
