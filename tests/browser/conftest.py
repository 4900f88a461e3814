"""Pages in a browser: the system's Chromium, driven by Playwright, before a live server.

A test asks for `page`, signs in with `sign_in_as`, and fails on whatever the browser complains of meanwhile.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.support import factories
from tests.support.browser_pages import SignInAs
from tests.support.chromium import DESKTOP, launch, program
from tests.support.complaints import Complaints

PATIENCE = 20_000  # milliseconds; machines that run all tests at once are slow
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if program() or os.environ.get("CI"):
        return
    without = pytest.mark.skip(reason="There is no Chromium on this machine.")
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(without)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For a module and not the session: while Playwright runs, no other test in the process can have an event loop."""
    assert program(), "The browser tests need Chromium, and here they may not be left out."
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's event loop stands still whenever a test runs; Django sees only that there is one.
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
    """What the browser complained of; a test that provokes a complaint on purpose takes it with `take()`."""
    heard = Complaints()
    yield heard
    assert not heard.take()


@pytest.fixture
def sign_in_as(page: Page, live_server: LiveServer) -> SignInAs:
    """Signs in the person given, or a member of the staff who holds the permissions given."""

    def signed_in(*permissions: str, person: User | None = None) -> User:
        person = person or factories.staff(*permissions)
        client = Client()
        client.force_login(person)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        return person

    return signed_in
