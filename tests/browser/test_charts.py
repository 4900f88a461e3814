"""The gallery of charts in a browser: charts are readable, accessible and fit their space."""

from typing import Literal

import pytest
from django.conf import LazySettings
from playwright.sync_api import Page

from tests.support.browser_pages import SignInAs, assert_accessible, visit

PAGE = "/reports/charts/"
# Finds texts that overlap each other, and texts that reach beyond their figure.
OVERLAPPING = """
[...document.querySelectorAll("figure svg.chart-drawing")].flatMap(drawing => {
    const texts = [...drawing.querySelectorAll("text")].map(text => [text.textContent, text.getBoundingClientRect()]);
    return texts.flatMap(([one, a], number) => texts.slice(number + 1)
        .filter(([, b]) => a.right > b.left + 1 && b.right > a.left + 1 && a.bottom > b.top + 3 && b.bottom > a.top + 3)
        .map(([other]) => `${one} on ${other}`));
})
"""
OUTSIDE = """
[...document.querySelectorAll("figure")].flatMap(figure => {
    const bounds = figure.getBoundingClientRect();
    return [...figure.querySelectorAll(".chart-across text")]
        .filter(text => text.getBoundingClientRect().right > bounds.right + 1
                     || text.getBoundingClientRect().left < bounds.left - 1)
        .map(text => text.textContent);
})
"""


@pytest.fixture(autouse=True)
def gallery(page: Page, sign_in_as: SignInAs, settings: LazySettings) -> None:
    settings.DEBUG = True
    sign_in_as()
    visit(page, PAGE)


@pytest.mark.parametrize("width", [1400, 400])
def test_texts_fit_their_figures_and_do_not_overlap(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate(OVERLAPPING) == []
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bars_have_the_colour_of_the_colour_scheme(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    color = page.locator("rect.series-1").first.evaluate("bar => getComputedStyle(bar).fill")
    assert color == {"light": "rgb(11, 92, 151)", "dark": "rgb(88, 176, 232)"}[scheme]


def test_charts_are_accessible(page: Page) -> None:
    assert_accessible(page)


def test_a_bar_can_be_focused_and_opened_by_keyboard(page: Page) -> None:
    bar = page.get_by_role("link", name="51+: 52,022 patients").first
    bar.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    target = bar.locator(".chart-target")
    assert target.evaluate("element => getComputedStyle(element).strokeWidth") == "3px"
    page.keyboard.press("Enter")
    page.wait_for_url("**?bar=52022")


def test_screen_readers_see_a_chart_as_a_named_group_of_bars(page: Page) -> None:
    chart = page.get_by_role("group", name="Age groups, horizontal")
    assert chart.get_by_role("listitem").count() == 4
    assert [link.text_content() for link in chart.get_by_role("link").all()]
    assert chart.get_by_role("link", name="36-50: 14,961 patients", exact=True).count() == 1


def test_screen_readers_see_a_bar_without_a_link_as_a_named_image(page: Page) -> None:
    chart = page.get_by_role("group", name="No links, horizontal")
    assert chart.get_by_role("img", name="Female: 51 patients, 51.0 %", exact=True).count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 400])
def test_a_screenshot_is_saved_for_people_to_look_at(
    page: Page, settings: LazySettings, width: int, scheme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    file = settings.BASE_DIR / "var" / "pictures" / f"charts-{width}-{scheme}.png"
    picture = page.screenshot(path=file, full_page=True)
    assert int.from_bytes(picture[16:20]) == width
    assert file.read_bytes() == picture
