"""An administrator adds a person in a browser, who signs in with the link."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.support.browser_pages import SignInAs, assert_accessible, assert_fits_a_phone, visit

pytestmark = pytest.mark.django_db(transaction=True)

NEW_PASSWORD = "seven green umbrellas dancing"


def test_four_clicks_add_a_person_who_then_signs_in_with_the_link(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("auth.view_user", "auth.add_user", "auth.change_user")
    visit(page, "/")
    page.get_by_role("link", name="Administration").click()
    page.get_by_role("link", name="Add user").click()
    page.get_by_label("Username").fill("grace")
    page.get_by_label("First name").fill("Grace")
    assert_accessible(page)
    assert_fits_a_phone(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign-in link for grace")
    assert_accessible(page)
    assert_fits_a_phone(page)
    link = page.get_by_label("Sign-in link").input_value()

    page.context.clear_cookies()
    page.goto(link)
    assert_accessible(page)
    assert_fits_a_phone(page)
    page.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("Password again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    assert User.objects.get(username="grace").check_password(NEW_PASSWORD)
