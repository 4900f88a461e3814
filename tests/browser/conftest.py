"""Test pages in a browser: the system's Chromium, driven by Playwright, with a live server.

A test uses the fixture `page`, signs in with `sign_in_as`, and fails if the browser reports an error meanwhile.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.support import factories
from tests.support.browser_pages import SignInAs
from tests.support.chromium import DESKTOP, launch, program
from tests.support.complaints import Complaints

TIMEOUT_MS = 20_000  # long, because a machine that runs all tests at once is slow
expect.set_options(timeout=TIMEOUT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if program() or os.environ.get("CI"):
        return
    skip = pytest.mark.skip(reason="There is no Chromium on this machine.")
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(skip)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Start a browser for this folder, not for the session: while Playwright runs, no test can have an event loop."""
    assert program(), "The browser tests need Chromium, and with CI set they must not be skipped."
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Django refuses to run in an event loop. That of Playwright is suspended whenever a test runs.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with launch(playwright) as started:
            yield started


@pytest.fixture
def page(
    browser: Browser, complaints: Complaints, live_server: LiveServer, areas_dropped: None, jobs_dropped: None
) -> Iterator[Page]:
    with browser.new_context(base_url=live_server.url, viewport=DESKTOP, reduced_motion="reduce") as context:
        complaints.listen(context)
        yield context.new_page()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Collect the errors of the browser; a test that causes one on purpose removes it with `take()`."""
    collected = Complaints()
    yield collected
    assert not collected.take()


@pytest.fixture
def sign_in_as(page: Page, live_server: LiveServer) -> SignInAs:
    """Return a function that signs in a person, or somebody with the permissions; pages offer no tour by default."""

    def client_for(*permissions: str, person: User | None = None, is_new: bool = False) -> User:
        person = person or factories.staff(*permissions)
        if not is_new:
            person.last_login = timezone.now()
        client = Client()
        client.force_login(person)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        return person

    return client_for


@pytest.fixture
def short_session_timeout(settings: LazySettings) -> None:
    settings.SESSION_IDLE_SECONDS = 8
    settings.SESSION_WARNING_SECONDS = 6
