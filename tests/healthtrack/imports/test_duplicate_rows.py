"""Duplicate rows of a file: the rule by which they are combined, and the list of what was combined."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit.models import Access
from healthtrack.imports import staging_tables
from healthtrack.imports.life_cycle.expiring import RETENTION, remove_expired
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.tables import duplicate_groups
from tests.support.finished_imports import get_counts, get_result
from tests.support.forms import form_to
from tests.support.import_files import CATALOGUE, RECORDS, Kind, Row, write_csv
from tests.support.import_pages import last_run, press_import, run_commit_hooks, run_jobs, upload
from tests.support.page import Page
from trackers.models import FitnessTracker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_folder")]

PRICES = ("2,499", "2,469", "2,470")
Preview = Callable[..., Any]


@pytest.fixture
def preview(steward: Client, tmp_path: Path) -> Preview:
    """Return a function that uploads rows and returns the page of their preview."""

    def show(*changes: Row, kind: Kind = CATALOGUE) -> Any:
        return upload(steward, kind, write_csv(tmp_path / "rows.csv", kind.rows(*changes)))

    return show


def black(**changes: str) -> Row:
    return {"Color": "Black", **changes}


def priced(*prices: str) -> list[Row]:
    return [black(**{"Selling Price": price}) for price in prices]


def address(action: str, query: str = "") -> str:
    return f"/admin/imports/importrun/{last_run().pk}/{action}/{query}"


def groups(client: Client) -> list[list[str]]:
    """Return the first cells of each row of the list, and its selling price."""
    page = Page.of(client.get(address("change", "?show=duplicates")))
    return [[row[0], row[5]] if len(row) > 5 else row for row in page.rows("rows-caption")]


def choose(client: Client, rule: str) -> Any:
    """Choose the rule on the page that says how the file is read, and let the file be checked again."""
    form = form_to(client.get(address("reading")), "answer")
    client.post(form.address, {**form.fields, "duplicate_rows": rule})
    run_jobs()
    return client.get(address("change"))


def test_the_preview_lists_each_group_with_its_lines_and_the_result(steward: Client, preview: Preview) -> None:
    page = preview(*priced(*PRICES), {})
    assert get_result(last_run()).combined == 1
    assert "Duplicates 1" in Page.of(page).texts(".tabs a")
    assert "2 duplicates combined" in Page.of(page).text
    assert groups(steward) == [["2", "2499"], ["3", "2469"], ["4", "2470"], ["Result", "2479"]]
    shown = Page.of(steward.get(address("change", "?show=duplicates")))
    assert shown.texts("mark") == ["2499", "2469", "2470", "2479"]
    assert "The rule: average their numbers. Values that differ are marked. Change the rule" in shown.text
    assert address("reading") in shown.addresses("#rows ~ p a")


@pytest.mark.parametrize(
    ("rule", "price", "invalid"), [("mean", 2479, 0), ("first", 2499, 0), ("last", 2470, 0), ("error", None, 3)]
)
def test_the_rule_is_a_part_of_how_the_file_is_read(
    steward: Client, preview: Preview, rule: str, price: int | None, invalid: int
) -> None:
    preview(*priced(*PRICES), {})
    page = choose(steward, rule)
    assert (last_run().state, last_run().invalid_count) == (State.CHECKED, invalid)
    press_import(steward, page)
    assert FitnessTracker.objects.count() == (2 if price else 1)
    assert FitnessTracker.objects.filter(color="Black").values_list("selling_price", flat=True).first() == price


def test_a_rule_that_a_profile_remembers_is_assumed_and_said(steward: Client, preview: Preview) -> None:
    preview(*priced(*PRICES))
    form = form_to(steward.get(address("reading")), "answer")
    steward.post(form.address, {**form.fields, "duplicate_rows": "last", "profile_name": "Vendor"})
    run_jobs()
    page = preview(*priced(*PRICES[::-1]))
    assert "Duplicate rows: Keep the last row. Remembered in the profile “Vendor”." in Page.of(page).text
    press_import(steward, page)
    assert FitnessTracker.objects.get().selling_price == 2499


def test_the_average_is_the_default_and_can_be_changed_where_the_reading_is_shown(
    steward: Client, preview: Preview
) -> None:
    preview({})
    page = Page.of(steward.get(address("reading")))
    (chosen,) = page.texts("select[name=duplicate_rows] option[selected]")
    assert chosen == "Average their numbers"
    assert page.texts("select[name=duplicate_rows] option") == [
        "Average their numbers",
        "Keep the first row",
        "Keep the last row",
        "Report an error if they differ",
    ]


def test_records_that_differ_are_errors_whatever_somebody_sends(steward: Client, preview: Preview) -> None:
    preview({}, kind=RECORDS)
    assert "duplicate_rows" not in steward.get(address("reading")).content.decode()


def test_exact_repeats_are_listed_without_a_difference(steward: Client, preview: Preview) -> None:
    preview({"patient_id": "A"}, {"patient_id": "A"}, {}, kind=RECORDS)
    page = Page.of(steward.get(address("change", "?show=duplicates")))
    assert [row[:2] for row in page.rows("rows-caption")] == [["2", "A"], ["3", "A"], ["Result", "A"]]
    assert page.texts("mark") == []
    assert Access.objects.latest("access_id").patient_ids == ["A"]


def test_contradictions_are_errors_and_not_combined(preview: Preview) -> None:
    preview({"patient_id": "A"}, {"patient_id": "A", "name": "Eve"}, {}, kind=RECORDS)
    assert get_result(last_run()).combined == 0


def test_the_result_page_links_to_the_list_until_its_retention_is_over(
    steward: Client, preview: Preview, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = press_import(steward, preview(*priced(*PRICES)))
    assert "?show=duplicates#rows" in page.content.decode()
    assert groups(steward)[-1] == ["Result", "2479"]
    later = last_run().started_at + 2 * RETENTION
    with monkeypatch.context() as patch, run_commit_hooks():
        patch.setattr("healthtrack.imports.life_cycle.expiring.timezone.now", lambda: later)
        remove_expired()
    assert last_run().pk not in staging_tables.list_staged_runs()
    assert "Duplicates" not in Page.of(steward.get(address("change"))).texts(".tabs a")


def test_large_groups_are_cut_and_pages_take_few_queries(
    steward: Client,
    preview: Preview,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(duplicate_groups, "MAX_LINES", 2)
    preview(*priced(*PRICES), *[{"Color": f"C{number // 2}"} for number in range(120)])
    with django_assert_max_num_queries(20):
        shown = groups(steward)
    assert shown[:4] == [["2", "2499"], ["3", "2469"], ["…", "and 1 more row"], ["Result", "2479"]]
    page = Page.of(steward.get(address("change", "?show=duplicates&page=2")))
    assert "Groups of duplicate rows: 51 to 61 of 61" in page.text


def test_data_quality_leads_to_the_imports_that_combined_rows(steward: Client, preview: Preview) -> None:
    press_import(steward, preview({}))
    other = last_run()
    press_import(steward, preview(*priced(*PRICES)))
    found = Page.of(steward.get("/reports/data-quality/")).addresses("a[href*='importrun/?duplicates=yes']")
    assert found
    page = steward.get(found[0])
    assert [run.run_id for run in page.context["cl"].result_list] == [last_run().pk] != [other.pk]
    assert "3, 2 combined" in Page.of(page).text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=settings().max_examples // 10)
@given(
    prices=st.lists(st.integers(1, 2999), min_size=2, max_size=5),
    rule=st.sampled_from(["mean", "first", "last"]),
)
def test_the_result_follows_the_rule(steward: Client, preview: Preview, prices: list[int], rule: str) -> None:
    FitnessTracker.objects.all().delete()
    ImportRun.objects.all().delete()
    preview(*priced(*map(str, prices)))
    press_import(steward, choose(steward, rule))
    different = list(dict.fromkeys(prices))
    mean = int(sum(different) / len(different) + 0.5)
    assert FitnessTracker.objects.get().selling_price == {"mean": mean, "first": prices[0], "last": prices[-1]}[rule]
    assert get_counts(last_run()).new == 1
