"""The pages that ask for a code before somebody changes what they sign in with."""

import pytest
from django.contrib.auth.models import User
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import Page, expect

from tests.support import factories
from tests.support.browser_pages import SignInAs, assert_accessible, assert_fits_a_phone, visit
from tests.support.signing_in import code, enrol_app


@pytest.fixture
def keeper(page: Page, sign_in_as: SignInAs) -> User:
    """Sign in an administrator, who sets up an app afterwards, and return another person."""
    administrator = sign_in_as(person=User.objects.create_superuser("root", password=factories.DEFAULT_PASSWORD))
    enrol_app(administrator)
    return factories.staff(username="keeper")


def send(page: Page, button: str) -> None:
    page.get_by_label("Code from").fill("wrong-wrong-wrong")
    page.get_by_role("button", name=button).click()


def assert_refused(page: Page) -> None:
    expect(page.get_by_text("This recovery code is wrong or was already used.")).to_be_visible()
    assert_accessible(page)
    assert_fits_a_phone(page)


@pytest.mark.usefixtures("keeper")
def test_changing_the_password(page: Page) -> None:
    visit(page, "/admin/password_change/")
    assert_accessible(page)
    page.get_by_label("Old password:").fill(factories.DEFAULT_PASSWORD)
    for label in ("New password:", "New password confirmation:"):
        page.get_by_label(label).fill("seven green umbrellas dancing")
    send(page, "Change my password")
    assert_refused(page)


@pytest.mark.usefixtures("keeper")
def test_replacing_the_app(page: Page) -> None:
    visit(page, "/sign-in/code/?next=/sign-in/enrol/")
    page.get_by_label("Code").fill(code(TOTPDevice.objects.get().key))
    page.get_by_role("button", name="Continue").click()
    assert_accessible(page)
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_label("Your password").fill(factories.DEFAULT_PASSWORD)
    send(page, "Set up")
    expect(page.get_by_text("This code is wrong or was already used.")).to_be_visible()
    assert_accessible(page)
    assert_fits_a_phone(page)


def test_setting_the_password_of_another_person(page: Page, keeper: User) -> None:
    visit(page, f"/admin/auth/user/{keeper.pk}/password/")
    assert_accessible(page)
    for label in ("Password:", "Password confirmation:"):
        page.get_by_label(label, exact=True).fill("seven green umbrellas dancing")
    send(page, "Change password")
    assert_refused(page)


def test_resetting_the_second_factor_of_another_person(page: Page, keeper: User) -> None:
    visit(page, f"/admin/auth/user/{keeper.pk}/change/")
    page.get_by_role("link", name="Reset two-factor authentication").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Reset two-factor authentication")
    assert_accessible(page)
    send(page, "Reset two-factor authentication")
    assert_refused(page)
