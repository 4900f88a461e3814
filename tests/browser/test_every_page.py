"""Every page of the site, from the URL resolver: new pages are tested without being listed here."""

from itertools import groupby

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.support.browser_pages import (
    NARROWEST,
    SignInAs,
    assert_accessible,
    assert_fits_a_phone,
    assert_nothing_is_cut_off,
    check_each,
    visit,
)
from tests.support.chromium import DESKTOP
from tests.support.page_addresses import address, make_rows, page_names

WIDTHS = (400, 1280, 1440)


def part_of_the_site(name: str) -> str:
    """Return the app that the page belongs to; if it is of the admin, the app of its model."""
    if ":" not in name:
        return "project"
    return name.partition("_")[0] if name.startswith("admin:") else name.partition(":")[0]


PARTS = {part: list(names) for part, names in groupby(sorted(page_names(), key=part_of_the_site), part_of_the_site)}


@pytest.mark.parametrize("part", PARTS)
def test_every_page_is_accessible_shows_all_of_its_text_and_fits_a_phone(
    page: Page, sign_in_as: SignInAs, part: str
) -> None:
    sign_in_as(person=make_rows())
    check_each(PARTS[part], lambda name: assert_page_is_readable(page, name))


def assert_page_is_readable(page: Page, name: str) -> None:
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    visit(page, address(name))
    for width in WIDTHS:
        page.set_viewport_size(ViewportSize(width=width, height=900))
        assert_accessible(page)
        assert_nothing_is_cut_off(page)
    assert_fits_a_phone(page)
    page.set_viewport_size(ViewportSize(width=NARROWEST, height=800))
    assert_nothing_is_cut_off(page)
