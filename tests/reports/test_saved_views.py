import html
import re
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from reports.models import SavedView
from reports.saved_view_rules import MAX_QUERY_LENGTH
from tests.support import factories
from tests.support.forms import form_with
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.report_pages import page
from tests.support.signing_in import SignIn

LIST = "/reports/views/"
SAVE = "/reports/views/save/"
RECORDS = "/admin/patients/medicalrecord/"
BRANDS = "/reports/brands/"
BRANDS_VIEWER = "reports.view_brands"
RECORD_VIEWER = "patients.view_medicalrecord"
SHARE = "reports.share_savedview"


def saved(
    owner: User, name: str = "Mine", page: str = "reports:brands", query: str = "", *, shared: bool = False
) -> int:
    return SavedView.objects.create(owner=owner, name=name, page=page, query=query, is_shared=shared).pk


def somebody_else() -> User:
    return factories.staff(username="other")


def menu(client: Client, address: str = LIST) -> str:
    """Return the contents of the menu of saved views."""
    found = re.search(r'<section class="saved-views"(.*?)</section>', page(client, address))
    return html.unescape(found[1]) if found else ""


def save(client: Client, address: str, name: str = "Mine", **more: str) -> str:
    """Return the address after saving, or the page with the error."""
    response = client.post(SAVE, {"of": address, "name": name, **more})
    return response["Location"] if response.status_code == 302 else html.unescape(response.content.decode())


@pytest.mark.parametrize("address", [LIST, f"{SAVE}?of={BRANDS}"])
def test_saved_views_need_the_permission_for_a_page_that_can_be_saved(sign_in: SignIn, address: str) -> None:
    assert_page_needs(sign_in, address, BRANDS_VIEWER, others=["trackers.view_trackermodel"])


def test_only_the_owner_can_change_and_delete_a_view(sign_in: SignIn) -> None:
    number = saved(somebody_else(), shared=True)
    assert Client().get(f"{LIST}{number}/").status_code == 302
    client = sign_in(BRANDS_VIEWER)
    assert client.get(f"{LIST}{number}/").status_code == 404
    assert client.post(f"{LIST}{number}/", {"name": "Taken"}).status_code == 404
    assert client.post(f"{LIST}{number}/delete/").status_code == 404
    assert SavedView.objects.get().name == "Mine"


def test_a_report_is_saved_with_its_filters_and_is_in_the_navigation(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER)
    address = f"{BRANDS}?gender=F&sort=-patients"
    assert save(client, address, "Women by brand") == address
    assert "Saved as “Women by brand”." in page(client, BRANDS)
    assert f'<a href="{address}">Women by brand</a>' in menu(client)


def test_the_list_of_records_is_saved_with_its_filters_and_order(sign_in: SignIn) -> None:
    client = sign_in(RECORD_VIEWER)
    address = f"{RECORDS}?condition=Asthma%2C+Diabetes&brand=Honor&o=2"
    assert save(client, address) == address
    assert client.get(address).status_code == 200


def test_transient_parameters_are_not_saved(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER, RECORD_VIEWER)
    assert save(client, f"{BRANDS}?page=3&format=csv&gender=F&brand=") == f"{BRANDS}?gender=F"
    assert save(client, f"{RECORDS}?p=7&count=1", "All") == RECORDS


@pytest.mark.parametrize("search", ["q=Byron", "found=aMark"])
@pytest.mark.parametrize("report", [RECORDS, BRANDS])
def test_a_search_is_not_saved_and_the_page_says_so(sign_in: SignIn, report: str, search: str) -> None:
    client = sign_in(BRANDS_VIEWER, RECORD_VIEWER)
    words = page(client, f"{SAVE}?of={quote(f'{report}?{search}&gender=F')}")
    assert "Your search is not saved" in words
    assert save(client, f"{report}?{search}&gender=F") == f"{report}?gender=F"
    assert "Your search is not saved" not in page(client, f"{SAVE}?of={quote(f'{report}?gender=F')}")


@pytest.mark.parametrize("name", ["name__startswith", "bands", "unheard"])
def test_unknown_parameters_cannot_be_saved(sign_in: SignIn, name: str) -> None:
    client = sign_in(RECORD_VIEWER)
    assert f"The address contains “{name}”" in save(client, f"{RECORDS}?{name}=Ada")
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://example.com/reports/brands/",
        "//example.com/reports/brands/",
        "javascript:alert(1)",
        "/admin/",
        "/reports/",
        "/reports/brands/../../admin/",
        "/admin/patients/medicalrecord/P1/change/",
        "http://[",
        f"{RECORDS}?gender=F",
    ],
)
def test_only_pages_that_the_person_may_open_can_be_saved(sign_in: SignIn, address: str) -> None:
    words = save(sign_in(BRANDS_VIEWER), address)
    assert "is not a report or list of records" in words or "is not an address" in words
    assert not SavedView.objects.exists()


def test_filters_that_are_too_long_are_an_error(sign_in: SignIn) -> None:
    words = save(sign_in(RECORD_VIEWER), f"{RECORDS}?condition={'x' * MAX_QUERY_LENGTH}")
    assert "at most 1,000 characters" in words


def test_null_bytes_stay_percent_encoded(sign_in: SignIn) -> None:
    client = sign_in(RECORD_VIEWER)
    assert save(client, f"{RECORDS}?condition=a%00b") == f"{RECORDS}?condition=a%00b"
    assert "Condition: a" in page(client, LIST)


@pytest.mark.parametrize("name", ["", "  ", "None", "x" * 101, "two\u0007"])
def test_an_invalid_name_is_an_error(sign_in: SignIn, name: str) -> None:
    assert 'class="errorlist"' in save(sign_in(BRANDS_VIEWER), BRANDS, name)
    assert not SavedView.objects.exists()


def test_blanks_in_a_name_are_removed(sign_in: SignIn) -> None:
    save(sign_in(BRANDS_VIEWER), BRANDS, "  By   brand ")
    assert SavedView.objects.get().name == "By brand"


def test_a_person_can_use_a_name_only_once_ignoring_case(sign_in: SignIn) -> None:
    saved(somebody_else(), "Brands", shared=True)
    client = sign_in(BRANDS_VIEWER)
    save(client, BRANDS, "Brands")
    assert "You already have a view with this name" in save(client, BRANDS, "BRANDS")
    assert SavedView.objects.count() == 2


def test_the_database_refuses_duplicate_names(sign_in: SignIn) -> None:
    owner = somebody_else()
    saved(owner, "Brands")
    with pytest.raises(IntegrityError, match="saved_views_owner_name_unique"):
        saved(owner, "brands")


def test_a_view_can_be_renamed(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER)
    number = saved(User.objects.get(), "Old")
    saved(User.objects.get(), "Taken")
    assert "already have a view with this name" in client.post(f"{LIST}{number}/", {"name": "taken"}).content.decode()
    assert client.post(f"{LIST}{number}/", {"name": "New"})["Location"] == LIST
    assert SavedView.objects.get(pk=number).name == "New"


def test_a_view_can_be_deleted(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER)
    number = saved(User.objects.get())
    assert client.get(f"{LIST}{number}/delete/").status_code == 405
    assert client.post(f"{LIST}{number}/delete/")["Location"] == LIST
    assert not SavedView.objects.exists()


def test_sharing_needs_its_permission(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER)
    assert "is_shared" not in page(client, f"{SAVE}?of={BRANDS}")
    save(client, BRANDS, is_shared="on")
    assert not SavedView.objects.get().is_shared
    client = sign_in(BRANDS_VIEWER, SHARE)
    assert "is_shared" in page(client, f"{SAVE}?of={BRANDS}")
    save(client, BRANDS, is_shared="on")
    assert SavedView.objects.get(owner__username="staff1").is_shared


def test_others_see_only_shared_views(sign_in: SignIn) -> None:
    other = somebody_else()
    saved(other, "Shared one", shared=True)
    saved(other, "Private one")
    client = sign_in(BRANDS_VIEWER)
    for words in (menu(client), page(client, LIST)):
        assert "Shared one" in words
        assert "Private one" not in words
    assert "by other" in menu(client)


def test_a_shared_view_is_shown_only_to_people_who_may_open_its_page(sign_in: SignIn) -> None:
    saved(somebody_else(), "Of records", "admin:patients_medicalrecord_changelist", "gender=F", shared=True)
    client = sign_in(BRANDS_VIEWER)
    assert "Of records" not in page(client, LIST)
    assert "Of records" in page(sign_in(RECORD_VIEWER), LIST)


def test_a_person_who_may_no_longer_open_a_page_does_not_see_its_views(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER)
    saved(User.objects.get(), "Of records", "admin:patients_medicalrecord_changelist")
    assert "Of records" not in page(client, LIST)


def test_people_who_may_share_can_change_shared_views_of_others(sign_in: SignIn) -> None:
    other = somebody_else()
    shared, private = saved(other, "Shared one", shared=True), saved(other, "Private one")
    client = sign_in(BRANDS_VIEWER, SHARE)
    assert client.post(f"{LIST}{private}/delete/").status_code == 404
    assert client.post(f"{LIST}{shared}/", {"name": "Ours", "is_shared": "on"}).status_code == 302
    assert SavedView.objects.get(pk=shared).owner == other


def test_the_menu_offers_to_save_only_pages_that_can_be_saved(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER)
    assert f'<a href="{SAVE}?of=%2Freports%2Fbrands%2F%3Fgender%3DF">Save this view</a>' in menu(
        client, f"{BRANDS}?gender=F"
    )
    assert "Save this view" not in menu(client, "/")


def test_people_who_cannot_save_views_have_no_menu(sign_in: SignIn) -> None:
    assert not menu(sign_in("trackers.view_trackermodel"), "/")


def test_with_many_views_the_menu_links_to_the_list(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER)
    for number in range(20):
        saved(User.objects.get(), f"View {number:02}")
    assert "View 07" in menu(client)
    assert "View 08" not in menu(client)
    assert "More views" in menu(client)
    assert "View 19" in page(client, LIST)


def test_the_number_of_queries_does_not_depend_on_the_number_of_views(
    sign_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = sign_in(BRANDS_VIEWER, SHARE)
    other = somebody_else()
    for number in range(20):
        saved(other, f"View {number}", shared=True)
    with django_assert_max_num_queries(7):
        client.get(LIST)


def test_of_two_people_who_rename_a_view_the_second_chooses(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER, SHARE)
    address = f"{LIST}{saved(somebody_else(), shared=True)}/"
    first, second = (form_with(client.get(address), "name") for _ in range(2))
    client.post(address, {**first.fields, "name": "Brands"})
    answer = client.post(address, {**second.fields, "name": "All brands"})
    assert Page.of(answer).texts(".conflicts label strong") == ["Brands", "All brands"]
    assert SavedView.objects.get().name == "Brands"
    client.post(address, {**form_with(answer, "name").fields, "choice-name": "mine"})
    assert SavedView.objects.get().name == "All brands"


def test_different_changes_of_a_view_by_two_people_are_united(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER, SHARE)
    address = f"{LIST}{saved(somebody_else(), shared=True)}/"
    first, second = (form_with(client.get(address), "name") for _ in range(2))
    client.post(address, {**first.fields, "name": "Brands"})
    without = {name: value for name, value in second.fields.items() if name != "is_shared"}
    client.post(address, without)
    view = SavedView.objects.get()
    assert (view.name, view.is_shared) == ("Brands", False)
