"""The page of tracker names: what waits to be settled, what was, and how many patients each name concerns."""

from collections.abc import Sequence

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from patients import naming
from patients.naming import NAMES_A_PAGE, Kind, names_to_settle, stated_names
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


@pytest.fixture
def steward(as_role: AsRole) -> Client:
    return as_role("Data steward")


def names(kind: Kind, asked: int = 1) -> list[tuple[str, int]]:
    found = stated_names(dict.fromkeys(Kind, asked))[kind]
    return [(stated.name, stated.patients) for stated in found.names]


def choices(kind: Kind) -> dict[str, list[str]]:
    return {stated.name: list(map(str, stated.choices)) for stated in stated_names(dict.fromkeys(Kind, 1))[kind].names}


@pytest.mark.parametrize("permission", VIEWER)
def test_needs_the_permissions_to_see_settled_names_and_records(sign_in: SignIn, permission: str) -> None:
    assert_page_needs(sign_in, PAGE, *VIEWER, others=[permission])


@pytest.mark.django_db
def test_names_stand_by_what_they_wait_for_with_most_patients_first() -> None:
    catalogue = make_catalogue()
    make_patients("Fenix", "Bipp", "BIPP", "Alpha", "Band 2", "Bip U", "Honor Band 2", "", "Forerunner", "forerunner")
    factories.tracker_alias("Forerunner", catalogue["Amazfit Bip U"])
    factories.tracker_alias("Stated by nobody", catalogue["Amazfit Bip U"])
    assert names(Kind.UNKNOWN) == [("BIPP", 2), ("Alpha", 1), ("Fenix", 1)]
    assert names(Kind.SHARED) == [("Band 2", 1)]
    assert names(Kind.SETTLED) == [("Forerunner", 2), ("Stated by nobody", 0)]


@pytest.mark.django_db
def test_the_number_of_names_to_settle_is_that_of_the_names_listed() -> None:
    assert names_to_settle() == (0, False)
    catalogue = make_catalogue()
    make_patients("Fenix", "Bipp", "BIPP", "Alpha", "Band 2", "Bip U", "Honor Band 2", "", "Forerunner", "forerunner")
    factories.tracker_alias("Forerunner", catalogue["Amazfit Bip U"])
    assert names_to_settle() == (len(names(Kind.UNKNOWN)) + len(names(Kind.SHARED)), False) == (4, False)


@pytest.mark.django_db
def test_names_are_counted_up_to_some_number(monkeypatch: pytest.MonkeyPatch) -> None:
    make_patients("Alpha", "Beta", "Gamma")
    monkeypatch.setattr(naming, "MOST_NAMES_WALKED", 2)
    assert names_to_settle() == (2, True)


@pytest.mark.django_db
def test_a_name_is_spelt_as_most_patients_do() -> None:
    make_patients("BIPP", "Bipp", "Bipp", "bipp")
    assert names(Kind.UNKNOWN) == [("Bipp", 4)]


@pytest.mark.parametrize(("others", "shared"), [({"device_type": "Smartwatch"}, 0), ({"brand_name": "Huawei"}, 1)])
@pytest.mark.django_db
def test_a_name_of_one_brand_alone_needs_no_decision(others: dict[str, str], shared: int) -> None:
    factories.tracker_model()
    factories.tracker_model(**others)
    make_patients("Band 2")
    assert len(names(Kind.SHARED)) == shared
    assert names(Kind.UNKNOWN) == []


@pytest.mark.django_db
def test_a_shared_name_offers_its_models_and_an_unknown_one_the_closest() -> None:
    make_catalogue()
    make_patients("band 2", "Bip Uu", "Fenix")
    assert choices(Kind.SHARED) == {"band 2": ["Honor Band 2", "Huawei Band 2", "Xiaomi Band 2"]}
    assert choices(Kind.UNKNOWN) == {"Bip Uu": ["Amazfit Bip U"], "Fenix": []}


@pytest.mark.django_db
def test_each_table_has_pages_of_its_own_and_beyond_the_last_it_shows_the_last() -> None:
    make_patients(*(f"Name {number:02}" for number in range(NAMES_A_PAGE + 2)))
    assert names(Kind.UNKNOWN)[0] == ("Name 00", 1)
    for asked in (2, 3, 10**8):
        assert names(Kind.UNKNOWN, asked) == [("Name 25", 1), ("Name 26", 1)]


def links(text: str, words: str) -> Sequence[str]:
    return [link.get("href", "") for link in Page(text).all("a") if link.text == words]


def test_the_number_of_patients_leads_to_exactly_these(viewer: Client) -> None:
    make_patients("50% off & more?", "50% OFF & MORE?", "50", "")
    [address] = links(page(viewer, PAGE), "2")
    assert viewer.get(address).context["cl"].result_count == 2


def test_the_second_page_of_a_table_leaves_the_others_where_they_are(viewer: Client) -> None:
    make_patients(*(f"Name {number:02}" for number in range(NAMES_A_PAGE + 1)))
    text = page(viewer, f"{PAGE}?settled=7&unknown=1")
    assert "1 to 25 of 26, most patients first" in text
    [address] = links(text, "2")
    assert address == "?settled=7&unknown=2#unknown"
    assert "26 to 26 of 26" in page(viewer, f"{PAGE}?unknown=2")


@pytest.mark.parametrize("asked", ["x", "0", "-1", "99", "9" * 30, "9" * 5000, "%00", "²", ""])
def test_an_odd_page_does_no_harm(viewer: Client, asked: str) -> None:
    make_patients("Fenix")
    assert "Fenix" in page(viewer, f"{PAGE}?unknown={asked}&shared={asked}&settled={asked}")


def test_who_may_not_settle_or_undo_meets_no_button(viewer: Client) -> None:
    catalogue = make_catalogue()
    make_patients("Band 2", "Fenix", "Bipp")
    factories.tracker_alias("Bipp", catalogue["Amazfit Bip U"])
    text = page(viewer, PAGE)
    assert "Honor Band 2, Huawei Band 2, Xiaomi Band 2" in text
    assert "Amazfit Bip U" in text
    assert 'action="/admin/tracker-names' not in text
    assert "/settle/" not in text


def test_a_settled_name_says_who_settled_it_and_for_which_model(steward: Client) -> None:
    alias = factories.tracker_alias("Bipp", make_catalogue()["Amazfit Bip U"])
    alias.created_by = factories.staff(username="grace")
    alias.save()
    text = page(steward, PAGE)
    for cell in ("Amazfit Bip U", "grace", f"{alias.created_at:%b %Y}"):
        assert cell in text


def test_without_any_name_it_says_so(steward: Client) -> None:
    text = page(steward, PAGE)
    for sentence in ("Every stated tracker is the name of a model", "or all are settled.", "No name is settled yet."):
        assert sentence in text
    assert "<table" not in text


def test_words_of_patients_are_never_markup(steward: Client) -> None:
    make_patients("<script>alert(1)</script>", '"><b>')
    text = page(steward, PAGE)
    assert "<script>alert" not in text
    assert "<b>" not in text


@pytest.mark.parametrize("rows", [2, 20])
def test_the_database_is_asked_as_often_for_any_number_of_names(
    steward: Client, rows: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        models = [factories.tracker_model(brand, f"Band {number}") for brand in ("Xiaomi", "Huawei")]
        factories.tracker_alias(f"Watch {number}", models[0])
    make_patients(*(f"{name} {number}" for number in range(rows) for name in ("Band", "Bandx", "Watch")))
    with django_assert_max_num_queries(10):
        steward.get(PAGE)


def test_the_front_page_and_the_reports_lead_here(sign_in: SignIn) -> None:
    link_here = f'<a href="{PAGE}'
    reader = sign_in(*VIEWER, *REPORT_PERMISSIONS)
    make_patients("Band 2", "Fenix")
    make_catalogue()
    for address in ("/", "/reports/brands/", "/reports/without-tracker/"):
        assert link_here in page(reader, address)


def test_the_front_page_and_the_reports_do_not_lead_who_may_not_come(sign_in: SignIn) -> None:
    reader = sign_in(VIEWER[1], *REPORT_PERMISSIONS)
    for address in ("/", "/reports/brands/", "/reports/without-tracker/"):
        assert PAGE not in page(reader, address)
