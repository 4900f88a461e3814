"""The version is stated in one place, and shown wherever somebody looks for it."""

import tomllib
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client, RequestFactory

from healthtrack import __version__
from healthtrack.errors import server_error
from tests.support.page import Page
from tests.support.page_addresses import address, make_rows, page_names
from tests.support.signing_in import SignIn

pytestmark = pytest.mark.django_db

FOOTER = f"Help · HealthTrack {__version__}"


def test_pyproject_reads_the_version_from_the_package() -> None:
    declared = tomllib.loads(Path(settings.BASE_DIR, "pyproject.toml").read_text())
    assert "version" not in declared["project"]
    assert declared["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "healthtrack.__version__"}


def test_the_changelog_lists_the_version_and_what_came_after_it() -> None:
    headings = [line for line in Path(settings.BASE_DIR, "CHANGELOG.md").read_text().splitlines() if line[:3] == "## "]
    assert headings[0] == "## Unreleased"
    assert headings[1].startswith(f"## {__version__} - ")


def test_the_footer_of_every_page_shows_the_version() -> None:
    client = Client()
    client.force_login(make_rows())
    for name in page_names():
        (footer,) = Page.of(client.get(address(name), follow=True)).texts("#footer")
        assert footer.endswith(FOOTER), name


def test_the_footer_of_the_sign_in_page_shows_the_version() -> None:
    assert Page.get(Client(), "/admin/login/").texts("#footer") == [FOOTER]


def test_the_footer_of_an_error_page_shows_the_version(sign_in: SignIn) -> None:
    assert Page.get(sign_in(), "/nowhere/", status=404).texts("#footer") == [FOOTER]


def test_the_footer_of_a_server_error_shows_the_version(rf: RequestFactory) -> None:
    page = server_error(rf.get("/"))
    assert Page(page.content).texts("#footer") == [FOOTER]
