from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOR_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def visit(page: Page, address: str, status: int = 200) -> None:
    response = page.goto(address)
    assert response, f"{address} is the page shown already"
    assert response.status == status, f"{address}: {response.status}"


def assert_accessible(page: Page) -> None:
    """Nothing that axe-core finds, in light and in dark."""
    for scheme in COLOR_SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options={"resultTypes": ["violations"], "runOnly": RULES})
        assert not found.violations_count, f"{page.url} in {scheme}:\n{found.generate_report()}"
