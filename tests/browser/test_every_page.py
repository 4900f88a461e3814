"""Every page of the site, from the URL resolver: new pages are tested without being listed here."""

import pytest
from playwright.sync_api import Page

from tests.support.browser_pages import SignInAs, assert_accessible, assert_fits_a_phone, visit
from tests.support.page_addresses import address, make_rows, page_names


@pytest.mark.parametrize("name", page_names())
def test_every_page_is_accessible_and_fits_a_phone(page: Page, sign_in_as: SignInAs, name: str) -> None:
    sign_in_as(person=make_rows())
    visit(page, address(name))
    assert_accessible(page)
    assert_fits_a_phone(page)
