from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from django.contrib.auth.models import User
from playwright.sync_api import Error, Page, ViewportSize

SignInAs = Callable[..., User]

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Without preloading style sheets, which the content security policy forbids.
OPTIONS = {"resultTypes": ["violations"], "runOnly": STANDARDS, "preload": False}
# What depends on the colors, so on the scheme.
COLOR_OPTIONS = {**OPTIONS, "runOnly": ["color-contrast", "link-in-text-block"]}
NARROWEST = 320
FIND_CUT_OFF = """() => {
  const isHidden = (box) => !box.checkVisibility({ visibilityProperty: true }) || box.closest(".visually-hidden");
  const isCut = (box) => {
    const style = getComputedStyle(box);
    if (box.matches("input")) {
      return box.scrollWidth > box.clientWidth + 1;
    }
    const hides = (overflow) => ["hidden", "clip"].includes(overflow);
    const hasText = [...box.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const isPicture = Math.abs(parseFloat(style.textIndent)) > 100;
    return hasText && !isPicture && box.clientWidth > 1
      && ((hides(style.overflowX) && box.scrollWidth > box.clientWidth + 1)
        || (hides(style.overflowY) && box.scrollHeight > box.clientHeight + 4));
  };
  return [...document.body.querySelectorAll("*:not(svg, svg *, option)")]
    .filter((box) => !isHidden(box) && isCut(box))
    .map((box) => `${box.tagName} ${box.className} ${box.value ?? box.textContent.trim().slice(0, 60)}`);
}"""
# The browser tells the page about a new size of the window just before it calls these functions.
WIDTHS_IN_THE_NEXT_FRAME = """() => new Promise((answer) => requestAnimationFrame(
  () => requestAnimationFrame(() => answer([document.documentElement.scrollWidth, innerWidth]))
))"""
PHONE = ViewportSize(width=400, height=800)
COLOR_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def visit(page: Page, address: str, status: int = 200) -> None:
    response = page.goto(address)
    assert response, f"{address} is the current page already"
    assert response.status == status, f"{address}: {response.status}"


def check_each(names: Iterable[str], check: Callable[[str], None]) -> None:
    """Check all pages, and fail at the end with a paragraph for each page that is not as it should be."""
    failures: list[str] = []
    for name in names:
        with _collected(failures, name):
            check(name)
    assert not failures, "\n\n".join(failures)


@contextmanager
def _collected(failures: list[str], name: str) -> Iterator[None]:
    try:
        yield
    except (AssertionError, Error) as failure:
        failures.append(f"{name}: {failure}")


def open_account_menu(page: Page) -> None:
    page.get_by_role("button", name="Account menu of ").click()


def assert_accessible(page: Page) -> None:
    """Fail if axe-core finds a violation in the light or the dark color scheme."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    for scheme in COLOR_SCHEMES:
        page.emulate_media(color_scheme=scheme)
        options = OPTIONS if scheme == "light" else COLOR_OPTIONS
        found = page.evaluate("options => axe.run(options)", options)["violations"]
        assert not found, f"{page.url} in {scheme}: " + "\n".join(_describe(found))


def _describe(violations: list[dict[str, Any]]) -> Iterator[str]:
    for violation in violations:
        for node in violation["nodes"]:
            yield f"{violation['id']}: {violation['help']}: {node['html']}: {node['failureSummary']}"


def assert_fits_a_phone(page: Page) -> None:
    """Fail if the page scrolls sideways on a phone, also a narrow one; a wide table scrolls by itself."""
    for width in (PHONE["width"], NARROWEST):
        page.set_viewport_size(ViewportSize(width=width, height=PHONE["height"]))
        widths = page.evaluate(WIDTHS_IN_THE_NEXT_FRAME)
        assert widths[0] <= widths[1], f"{page.url} is {widths[0]} pixels wide on a screen of {widths[1]}"


def assert_nothing_is_cut_off(page: Page) -> None:
    """Fail if a box hides a part of its text, or a field a part of its value. Boxes that scroll show everything."""
    cut_off = page.evaluate(FIND_CUT_OFF)
    assert not cut_off, f"{page.url} at {page.viewport_size}: {cut_off}"
