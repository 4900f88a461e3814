"""Every page of the site, from the URL resolver: new pages are tested without being listed here."""

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.support.browser_pages import (
    NARROWEST,
    SignInAs,
    assert_accessible,
    assert_fits_a_phone,
    assert_nothing_is_cut_off,
    visit,
)
from tests.support.page_addresses import address, make_rows, page_names

WIDTHS = (400, 1280, 1440)


@pytest.mark.parametrize("name", page_names())
def test_every_page_is_accessible_shows_all_of_its_text_and_fits_a_phone(
    page: Page, sign_in_as: SignInAs, name: str
) -> None:
    sign_in_as(person=make_rows())
    visit(page, address(name))
    for width in WIDTHS:
        page.set_viewport_size(ViewportSize(width=width, height=900))
        assert_accessible(page)
        assert_nothing_is_cut_off(page)
    assert_fits_a_phone(page)
    page.set_viewport_size(ViewportSize(width=NARROWEST, height=800))
    assert_nothing_is_cut_off(page)
