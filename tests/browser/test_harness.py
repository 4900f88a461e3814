"""The browser tests detect the errors that they are meant to detect."""

import pytest
from playwright.sync_api import Page

from tests.support.browser_pages import SignInAs, assert_accessible, visit
from tests.support.complaints import Complaints


def test_an_inline_style_is_reported(page: Page, complaints: Complaints) -> None:
    visit(page, "/admin/login/")
    with page.expect_event("console"):
        page.evaluate("document.body.setAttribute('style', 'color: red')")
    assert any("style-src" in complaint for complaint in complaints.take())


def test_an_inline_script_is_reported(page: Page, complaints: Complaints) -> None:
    visit(page, "/admin/login/")
    with page.expect_event("console"):
        page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: '1'}))")
    assert any("script-src" in complaint for complaint in complaints.take())


def test_an_error_in_a_script_is_reported(page: Page, complaints: Complaints) -> None:
    visit(page, "/admin/login/")
    with page.expect_event("pageerror"):
        page.evaluate("setTimeout(() => { throw new Error('broken'); })")
    assert any("broken" in complaint for complaint in complaints.take())


def test_a_missing_file_is_reported(page: Page, complaints: Complaints) -> None:
    visit(page, "/admin/login/")
    with page.expect_event("console"):
        page.evaluate("fetch('/static/nothing.css')")
    assert any("404" in complaint for complaint in complaints.take())


def test_a_field_without_a_label_is_reported(page: Page) -> None:
    visit(page, "/admin/login/")
    page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    with pytest.raises(AssertionError, match="label"):
        assert_accessible(page)


def test_a_person_who_is_signed_in_sees_home(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as()
    visit(page, "/")
    assert page.title().startswith("Home")
