"""The declaration of a report adds it everywhere."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.urls import clear_url_caches

from healthtrack.audit.registry import page_names
from healthtrack.core.navigation import get_links
from healthtrack.roles.table import NAMED_LISTS, ROLES
from reports import registry, urls
from reports.charts.declaration import BarChart, Chart
from reports.contributions import create_permissions
from reports.report import Report
from reports.tables import Cell, Column, Row, figure
from tests.support import factories
from tests.support.page_permissions import assert_page_needs
from tests.support.report_pages import csv_rows, page
from tests.support.signing_in import SignIn

PAGE = "/reports/shoe-sizes/"
PERMISSION = "reports.view_shoe_sizes"
TEMPLATE = """{% extends "reports/report.html" %}{% block chart %}{% endblock %}"""

pytestmark = pytest.mark.django_db


class ShoeSizes(Report):
    name = "shoe-sizes"
    title = "Patients by shoe size"
    label = "By shoe size"
    question = "How large are the patients' feet?"
    order = 35
    right = NAMED_LISTS
    columns = (Column("size", "Size"), figure("patients", "Patients"))
    published_order = "size"

    def rows(self) -> Iterator[Row]:
        yield from (
            (Cell("42"), Cell(self.cached("small", lambda: 3))),
            (Cell("50"), Cell(self.cached("large", self.two))),
        )

    def two(self) -> int:
        return 2

    def get_chart(self) -> Chart:
        return BarChart("Shoe sizes", [])

    def context(self) -> Mapping[str, object]:
        return {}


def _reload_urls() -> None:
    for module in (urls, importlib.import_module(settings.ROOT_URLCONF)):
        importlib.reload(module)
    clear_url_caches()


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Declare the report with an address and a template, as its modules would."""
    registry.reports()  # imports the existing reports
    monkeypatch.setattr(registry, "_reports", dict(registry._reports))
    registry.register(ShoeSizes)
    loaders = [
        ("django.template.loaders.locmem.Loader", {"reports/shoe-sizes.html": TEMPLATE}),
        "django.template.loaders.filesystem.Loader",
        "django.template.loaders.app_directories.Loader",
    ]
    (engine,) = settings.TEMPLATES
    options = {**engine["OPTIONS"], "loaders": loaders}
    settings.TEMPLATES = [{**engine, "APP_DIRS": False, "OPTIONS": options}]
    _reload_urls()
    create_permissions("default")
    yield
    monkeypatch.undo()
    _reload_urls()


def test_it_has_a_page_for_people_with_its_permission(sign_in: SignIn) -> None:
    assert_page_needs(sign_in, PAGE, PERMISSION, others=["reports.view_age_groups", "patients.view_medicalrecord"])


def test_it_has_files(sign_in: SignIn) -> None:
    assert csv_rows(sign_in(PERMISSION), f"{PAGE}?format=csv") == [["Size", "Patients"], ["42", "3"], ["50", "2"]]


def test_it_is_in_the_navigation_in_its_order(sign_in: SignIn) -> None:
    person = factories.staff(PERMISSION, "reports.view_brands", "reports.view_conditions")
    *_, reports = get_links(person, PAGE)
    shown = [(entry.label, entry.current) for entry in reports.entries]
    assert shown == [("By brand", ""), ("By shoe size", "page"), ("By condition", "")]


def test_it_is_in_the_list_of_reports(sign_in: SignIn) -> None:
    words = page(sign_in(PERMISSION), "/reports/")
    assert f'<a href="{PAGE}">Patients by shoe size</a>' in words
    assert "How large are the patients&#x27; feet?" in words


def test_roles_with_its_right_can_open_it() -> None:
    assert {role.name for role in ROLES if PERMISSION in role.permissions} == {
        "Data steward",
        "Analyst",
        "Administrator",
    }
    call_command("migrate", verbosity=0)
    holders = Permission.objects.get(codename="view_shoe_sizes").group_set.values_list("name", flat=True)
    assert set(holders) == {"Data steward", "Analyst", "Administrator"}


def test_its_permission_is_created_once_with_a_descriptive_name() -> None:
    create_permissions("default")
    permission = Permission.objects.get(codename="view_shoe_sizes")
    assert permission.name == "Can see the report “Patients by shoe size”"
    assert permission.content_type.natural_key() == ("reports", "report")


def test_it_has_a_name_in_the_access_log() -> None:
    assert page_names()["reports:shoe-sizes"] == "Viewed the report “Patients by shoe size”"


def test_it_can_be_saved_as_a_view(sign_in: SignIn) -> None:
    assert "Patients by shoe size" in page(sign_in(PERMISSION), f"/reports/views/save/?of={PAGE}")


def test_counts_with_different_keys_are_cached_separately(rf: Any) -> None:
    def counted(answer: int) -> Callable[[], int]:
        def count() -> int:
            return answer

        return count

    report = ShoeSizes()
    report.setup(rf.get(PAGE))
    assert report.cached("first", counted(1)) == 1
    assert report.cached("second", counted(2)) == 2
    assert report.cached("first", counted(3)) == 1
    assert report.cached("first", counted(4), "another parameter") == 4
