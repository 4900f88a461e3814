"""The size of pages, compressed."""

import gzip

import pytest
from playwright.sync_api import Page, Response

from tests.support import factories
from tests.support.browser_pages import SignInAs, visit
from tests.support.page_addresses import address, make_rows

MAX_FIRST_VISIT, MAX_LATER_VISITS = 100_000, 20_000
PAGES = (
    "home",
    "admin:patients_medicalrecord_changelist",
    "admin:patients_medicalrecord_change",
    "admin:patients_medicalrecord_import",
    "admin:trackers_trackermodel_change",
    "admin:auth_user_change",
    "reports:age-groups",
    "reports:without-tracker",
)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_small(page: Page, sign_in_as: SignInAs, name: str) -> None:
    sign_in_as(person=make_rows())
    for number in range(100):
        factories.medical_record(f"Q{number}", name=f"Patient number {number}", tracker=f"Halo {number}")
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108  (Playwright marks the function)
    visit(page, address(name))
    page.wait_for_load_state("networkidle")
    weights = {answer.url: len(gzip.compress(answer.body())) for answer in answers if answer.url.startswith("http")}
    assert sum(weights.values()) < MAX_FIRST_VISIT, weights
    cached = {url for url in weights if "/static/" in url}
    assert sum(weight for url, weight in weights.items() if url not in cached) < MAX_LATER_VISITS, weights
