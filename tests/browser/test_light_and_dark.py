"""Light and dark mode, by the system's setting and by the switch."""

from typing import Literal

import pytest
from playwright.sync_api import Page

from tests.support.browser_pages import SignInAs, open_account_menu, visit


def is_dark(page: Page) -> bool:
    """Return whether the text is light; print has no background colour."""
    dark: bool = page.evaluate(
        "getComputedStyle(document.body).color.match(/[\\d.]+/g).slice(0, 3).every((part) => part > 128)"
    )
    return dark


def switch(page: Page) -> None:
    page.locator(".theme-toggle").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_mode_follows_the_system(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    visit(page, "/admin/login/")
    assert is_dark(page) == (scheme == "dark")


def test_the_switch_is_remembered_on_the_next_page(page: Page, sign_in_as: SignInAs) -> None:
    page.emulate_media(color_scheme="light")
    sign_in_as()
    visit(page, "/admin/")
    open_account_menu(page)
    switch(page)
    assert is_dark(page)
    visit(page, "/admin/password_change/")
    assert is_dark(page)


def test_the_switch_overrides_a_dark_system(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    visit(page, "/admin/login/")
    switch(page)
    assert not is_dark(page)


def test_print_is_light_and_has_no_navigation(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("reports.view_age_groups")
    visit(page, "/reports/age-groups/")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("#header").is_visible()
    assert page.get_by_role("heading", level=1).is_visible()
    assert page.get_by_role("table").is_visible()
    assert not is_dark(page)
