"""The page of tracker names: unmatched, ambiguous and resolved names, and how many patients report each."""

from collections.abc import Sequence

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from patients.linking import tracker_names
from patients.linking.tracker_names import PAGE_SIZE, Match, count_unresolved_names, get_tracker_names
from tests.support import factories
from tests.support.page import Page
from tests.support.page_permissions import REPORT_PERMISSIONS, assert_page_needs
from tests.support.report_pages import page
from tests.support.signing_in import AsRole, SignIn
from tests.support.tracker_links import make_catalogue, make_patients

PAGE = "/admin/tracker-names/"
VIEWER = ("trackers.view_trackeralias", "patients.view_medicalrecord")


@pytest.fixture
def viewer(as_role: AsRole) -> Client:
    return as_role("Analyst")


def names(match: Match, page_number: int = 1) -> list[tuple[str, int]]:
    found = get_tracker_names(dict.fromkeys(Match, page_number))[match]
    return [(each.name, each.patients) for each in found.names]


def choices(match: Match) -> dict[str, list[str]]:
    found = get_tracker_names(dict.fromkeys(Match, 1))[match]
    return {each.name: list(map(str, each.choices)) for each in found.names}


@pytest.mark.parametrize("permission", VIEWER)
def test_the_page_needs_the_permissions_to_see_resolved_names_and_records(sign_in: SignIn, permission: str) -> None:
    assert_page_needs(sign_in, PAGE, *VIEWER, others=[permission])


@pytest.mark.django_db
def test_names_are_grouped_by_match_and_sorted_by_patients() -> None:
    catalogue = make_catalogue()
    make_patients("Fenix", "Bipp", "BIPP", "Alpha", "Band 2", "Bip U", "Honor Band 2", "", "Forerunner", "forerunner")
    factories.tracker_alias("Forerunner", catalogue["Amazfit Bip U"])
    factories.tracker_alias("Reported by nobody", catalogue["Amazfit Bip U"])
    assert names(Match.UNMATCHED) == [("BIPP", 2), ("Alpha", 1), ("Fenix", 1)]
    assert names(Match.AMBIGUOUS) == [("Band 2", 1)]
    assert names(Match.RESOLVED) == [("Forerunner", 2), ("Reported by nobody", 0)]


@pytest.mark.django_db
def test_the_number_of_unresolved_names_is_that_of_the_listed_names() -> None:
    assert count_unresolved_names() == (0, 0, False)
    catalogue = make_catalogue()
    make_patients("Fenix", "Bipp", "BIPP", "Alpha", "Band 2", "Bip U", "Honor Band 2", "", "Forerunner", "forerunner")
    factories.tracker_alias("Forerunner", catalogue["Amazfit Bip U"])
    assert (
        count_unresolved_names() == (len(names(Match.UNMATCHED)), len(names(Match.AMBIGUOUS)), False) == (3, 1, False)
    )


@pytest.mark.django_db
def test_names_are_counted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    make_patients("Alpha", "Beta", "Gamma")
    monkeypatch.setattr(tracker_names, "MAX_NAMES_COUNTED", 2)
    assert count_unresolved_names() == (2, 0, True)


@pytest.mark.django_db
def test_a_name_is_shown_in_its_usual_spelling() -> None:
    make_patients("BIPP", "Bipp", "Bipp", "bipp")
    assert names(Match.UNMATCHED) == [("Bipp", 4)]


@pytest.mark.parametrize(("others", "ambiguous"), [({"device_type": "Smartwatch"}, 0), ({"brand_name": "Huawei"}, 1)])
@pytest.mark.django_db
def test_a_name_that_only_one_brand_uses_needs_no_decision(others: dict[str, str], ambiguous: int) -> None:
    factories.tracker_model()
    factories.tracker_model(**others)
    make_patients("Band 2")
    assert len(names(Match.AMBIGUOUS)) == ambiguous
    assert names(Match.UNMATCHED) == []


@pytest.mark.django_db
def test_an_ambiguous_name_offers_its_models_and_an_unmatched_one_similar_models() -> None:
    make_catalogue()
    make_patients("band 2", "Bip Uu", "Fenix")
    assert choices(Match.AMBIGUOUS) == {"band 2": ["Honor Band 2", "Huawei Band 2", "Xiaomi Band 2"]}
    assert choices(Match.UNMATCHED) == {"Bip Uu": ["Amazfit Bip U"], "Fenix": []}


@pytest.mark.django_db
def test_each_table_has_its_own_pages_and_shows_the_last_one_for_a_higher_number() -> None:
    make_patients(*(f"Name {number:02}" for number in range(PAGE_SIZE + 2)))
    assert names(Match.UNMATCHED)[0] == ("Name 00", 1)
    for page_number in (2, 3, 10**8):
        assert names(Match.UNMATCHED, page_number) == [("Name 25", 1), ("Name 26", 1)]


def links(text: str, words: str) -> Sequence[str]:
    return [link.get("href", "") for link in Page(text).all("a") if link.text == words]


def test_the_number_of_patients_links_to_exactly_these(viewer: Client) -> None:
    make_patients("50% off & more?", "50% OFF & MORE?", "50", "")
    [address] = links(page(viewer, PAGE), "2")
    assert viewer.get(address).context["cl"].result_count == 2


def test_the_second_page_of_a_table_leaves_the_pages_of_others(viewer: Client) -> None:
    make_patients(*(f"Name {number:02}" for number in range(PAGE_SIZE + 1)))
    text = page(viewer, f"{PAGE}?resolved=7&unmatched=1")
    assert "1 to 25 of 26, most patients first" in text
    [address] = links(text, "2")
    assert address == "?resolved=7&unmatched=2#unmatched"
    assert "26 to 26 of 26" in page(viewer, f"{PAGE}?unmatched=2")


@pytest.mark.parametrize("number", ["x", "0", "-1", "99", "9" * 30, "9" * 5000, "%00", "²", ""])
def test_an_invalid_page_number_causes_no_error(viewer: Client, number: str) -> None:
    make_patients("Fenix")
    assert "Fenix" in page(viewer, f"{PAGE}?unmatched={number}&ambiguous={number}&resolved={number}")


def test_people_who_may_not_resolve_or_undo_see_no_buttons(viewer: Client) -> None:
    catalogue = make_catalogue()
    make_patients("Band 2", "Fenix", "Bipp")
    factories.tracker_alias("Bipp", catalogue["Amazfit Bip U"])
    text = page(viewer, PAGE)
    assert "Honor Band 2, Huawei Band 2, Xiaomi Band 2" in text
    assert "Amazfit Bip U" in text
    assert 'action="/admin/tracker-names' not in text
    assert "/resolve/" not in text


def test_a_resolved_name_shows_its_model_and_the_person_who_resolved_it(steward: Client) -> None:
    alias = factories.tracker_alias("Bipp", make_catalogue()["Amazfit Bip U"])
    alias.created_by = factories.staff(username="grace")
    alias.save()
    text = page(steward, PAGE)
    for cell in ("Amazfit Bip U", "grace", f"{alias.created_at:%b %Y}"):
        assert cell in text


def test_a_page_without_names_says_so(steward: Client) -> None:
    text = page(steward, PAGE)
    for sentence in ("No unmatched names", "No ambiguous names", "No name has been resolved yet."):
        assert sentence in text
    assert "<table" not in text


def test_names_are_escaped(steward: Client) -> None:
    make_patients("<script>alert(1)</script>", '"><b>')
    text = page(steward, PAGE)
    assert "<script>alert" not in text
    assert "<b>" not in text


@pytest.mark.parametrize("rows", [2, 20])
def test_the_page_needs_the_same_queries_for_any_number_of_names(
    steward: Client, rows: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        models = [factories.tracker_model(brand, f"Band {number}") for brand in ("Xiaomi", "Huawei")]
        factories.tracker_alias(f"Watch {number}", models[0])
    make_patients(*(f"{name} {number}" for number in range(rows) for name in ("Band", "Bandx", "Watch")))
    with django_assert_max_num_queries(10):
        steward.get(PAGE)


def test_home_and_the_reports_link_to_this_page(sign_in: SignIn) -> None:
    link_here = f'<a href="{PAGE}'
    reader = sign_in(*VIEWER, *REPORT_PERMISSIONS)
    make_patients("Band 2", "Fenix")
    make_catalogue()
    for address in ("/", "/reports/brands/", "/reports/without-tracker/"):
        assert link_here in page(reader, address)


def test_home_and_the_reports_have_no_link_for_people_who_may_not_open_it(sign_in: SignIn) -> None:
    reader = sign_in(VIEWER[1], *REPORT_PERMISSIONS)
    for address in ("/", "/reports/brands/", "/reports/without-tracker/"):
        assert PAGE not in page(reader, address)
