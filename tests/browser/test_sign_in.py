"""Two-factor authentication and the session timeout, in a browser."""

import time
from base64 import b32decode

import pytest
from django.conf import LazySettings
from django_otp.oath import TOTP
from playwright.sync_api import Page, expect

from healthtrack.accounts.models import Session
from tests.support import factories
from tests.support.browser_pages import SignInAs, assert_accessible, assert_fits_a_phone, open_account_menu, visit
from tests.support.complaints import Complaints


def sign_in(page: Page) -> None:
    page.get_by_label("Username").fill("staff")
    page.get_by_label("Password").fill(factories.DEFAULT_PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_person_sets_up_an_app_and_later_signs_in_with_a_recovery_code(
    page: Page, settings: LazySettings, complaints: Complaints
) -> None:
    settings.SECOND_FACTOR = True
    factories.staff("reports.view_brands")
    visit(page, "/reports/brands/")
    sign_in(page)
    expect(page.get_by_role("heading", name="Set up two-factor authentication")).to_be_visible()
    assert page.get_by_alt_text("QR code").evaluate("image => image.complete && image.naturalWidth > 100")
    assert_accessible(page)
    totp = TOTP(b32decode((page.locator(".key").text_content() or "").replace(" ", "")))
    totp.time = time.time()
    page.get_by_label("Code").fill(f"{totp.token():06}")
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    assert_accessible(page)
    recovery = page.locator(".recovery-codes code").first.text_content() or ""
    page.get_by_role("link", name="I saved my codes").click()
    expect(page.get_by_role("heading", name="Patients by tracker brand")).to_be_visible()

    open_account_menu(page)
    page.get_by_role("button", name="Sign out", exact=True).click()
    visit(page, "/reports/brands/")
    sign_in(page)
    expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Code").fill("wrong-codes-wrong")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("This recovery code is wrong")).to_be_visible()
    assert_accessible(page)
    page.wait_for_timeout(1100)  # as a wrong code makes the next one wait
    page.get_by_label("Code").fill(recovery)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Patients by tracker brand")).to_be_visible()
    open_account_menu(page)
    page.get_by_role("link", name="Account security").click()
    expect(page.get_by_text("You have 9 recovery codes left")).to_be_visible()
    assert_accessible(page)
    assert_fits_a_phone(page)
    assert not complaints.heard


@pytest.mark.usefixtures("short_session_timeout")
def test_an_inactive_person_is_warned_and_may_stay_signed_in(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("reports.view_brands")
    visit(page, "/reports/brands/")
    dialog = page.get_by_role("alertdialog", name="Are you still there?")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Stay signed in")).to_be_focused()
    before = Session.objects.get().active_at
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert Session.objects.get().active_at > before
    expect(dialog).to_be_visible()
    assert_accessible(page)


@pytest.mark.usefixtures("short_session_timeout")
def test_after_the_session_timeout_the_person_signs_in_and_returns(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("reports.view_brands")
    visit(page, "/reports/brands/?gender=F")
    expect(page.get_by_text("because you were inactive")).to_be_visible()
    assert not Session.objects.exists()
    sign_in(page)
    expect(page).to_have_url("/reports/brands/?gender=F")


def test_signing_out_clears_every_window_even_if_the_server_does_not_answer(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("patients.view_medicalrecord")
    factories.medical_record(name="Ada Byron")
    visit(page, "/admin/patients/medicalrecord/")
    other = page.context.new_page()
    other.goto("/admin/patients/medicalrecord/")
    expect(other.get_by_text("Ada Byron")).to_be_visible()
    other.route("**/*", lambda route: route.abort())
    open_account_menu(page)
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(other.get_by_text("Ada Byron")).to_be_hidden()
    stored = page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
    assert set(stored) <= {"healthtrack-active", "healthtrack-ended", "theme"}


@pytest.mark.usefixtures("short_session_timeout")
def test_activity_in_another_window_counts(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("reports.view_brands")
    visit(page, "/reports/brands/")
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_be_visible()
    other = page.context.new_page()
    other.goto("/reports/brands/")
    expect(dialog).to_be_hidden()
