"""The size of pages, as the program sends them: compressed, and with files that browsers store."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from tests.support.crawling import crawl
from tests.support.databases import temporary_database
from tests.support.serving import Server, environment_of, started

MAX_FIRST_VISIT, MAX_LATER_VISITS = 100_000, 20_000
PATIENTS = "60"  # a full page of the list


class Weight:
    """Counts the compressed bytes that a page transfers, without headers, which HTTP/2 sends only once."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.parts: dict[str, int] = {}
        self.addresses: dict[str, str] = {}
        self.headers: dict[str, int] = {}
        self.session: CDPSession = page.context.new_cdp_session(page)
        self.session.on("Network.requestWillBeSent", self._note_address)
        self.session.on("Network.responseReceived", self._note_headers)
        self.session.on("Network.loadingFinished", self._add)
        self.session.send("Network.enable")

    def of(self, address: str, *, is_first_visit: bool) -> int:
        if is_first_visit:
            self.session.send("Network.clearBrowserCache")
        self.parts.clear()
        self.page.goto(address)
        self.page.wait_for_load_state("networkidle")
        return sum(self.parts.values())

    def _note_address(self, event: dict[str, Any]) -> None:
        self.addresses[event["requestId"]] = event["request"]["url"]

    def _note_headers(self, event: dict[str, Any]) -> None:
        self.headers[event["requestId"]] = int(event["response"]["encodedDataLength"])

    def _add(self, event: dict[str, Any]) -> None:
        address = self.addresses.get(event["requestId"], "")
        body = max(int(event["encodedDataLength"]) - self.headers.get(event["requestId"], 0), 0)
        self.parts[address] = self.parts.get(address, 0) + body


@pytest.fixture(scope="module")
def server(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with temporary_database(template) as database:
        environment = environment_of(database, tmp_path_factory.mktemp("weight"))
        with started({**environment, "HEALTHTRACK_DEBUG": "0"}, "--patients", PATIENTS) as running:
            yield running


@pytest.fixture
def signed_in(browser: Browser, server: Server) -> Iterator[Page]:
    with browser.new_context(base_url=f"http://127.0.0.1:{server.port}") as context:
        page = context.new_page()
        page.goto("/admin/login/")
        page.get_by_label("Username").fill(server.value("user name"))
        page.get_by_label("Password").fill(server.value("password"))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")
        yield page


def test_every_page_is_small_on_the_first_visit_and_smaller_afterwards(signed_in: Page) -> None:
    weight, visited, too_heavy = Weight(signed_in), 0, {}
    for name, address in crawl(signed_in):
        if (first := weight.of(address, is_first_visit=True)) >= MAX_FIRST_VISIT:
            too_heavy[f"{name} at first"] = first, dict(weight.parts)
        if (later := weight.of(address, is_first_visit=False)) >= MAX_LATER_VISITS:
            too_heavy[f"{name} later"] = later, dict(weight.parts)
        visited += 1
    assert visited > 40
    assert not too_heavy, "\n".join(f"{page}: {size} {parts}" for page, (size, parts) in too_heavy.items())
