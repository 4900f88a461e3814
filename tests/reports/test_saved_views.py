import html
import re
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from reports.models import SavedView
from reports.saved_view_rules import LONGEST_QUERY
from tests.support import factories
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
    """What stands under Saved views in the navigation."""
    found = re.search(r'<details class="saved-views">(.*?)</details>', page(client, address))
    return html.unescape(found[1]) if found else ""


def save(client: Client, address: str, name: str = "Mine", **more: str) -> str:
    """Where saving leads to, or what is said against it."""
    response = client.post(SAVE, {"of": address, "name": name, **more})
    return response["Location"] if response.status_code == 302 else html.unescape(response.content.decode())


@pytest.mark.parametrize("address", [LIST, f"{SAVE}?of={BRANDS}"])
def test_whoever_may_open_a_page_that_can_be_saved_has_views(sign_in: SignIn, address: str) -> None:
    assert_page_needs(sign_in, address, BRANDS_VIEWER, others=["trackers.view_trackermodel"])


def test_a_view_is_changed_and_deleted_by_its_owner_alone(sign_in: SignIn) -> None:
    number = saved(somebody_else(), shared=True)
    assert Client().get(f"{LIST}{number}/").status_code == 302
    client = sign_in(BRANDS_VIEWER)
    assert client.get(f"{LIST}{number}/").status_code == 404
    assert client.post(f"{LIST}{number}/", {"name": "Taken"}).status_code == 404
    assert client.post(f"{LIST}{number}/delete/").status_code == 404
    assert SavedView.objects.get().name == "Mine"


def test_a_report_is_saved_with_its_filters_and_found_in_the_navigation(sign_in: SignIn) -> None:
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


def test_what_serves_the_moment_alone_is_left_out(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER, RECORD_VIEWER)
    assert save(client, f"{BRANDS}?page=3&format=csv&gender=F&brand=") == f"{BRANDS}?gender=F"
    assert save(client, f"{RECORDS}?p=7&count=1", "All") == RECORDS


@pytest.mark.parametrize("search", ["q=Byron", "found=aMark"])
@pytest.mark.parametrize("report", [RECORDS, BRANDS])
def test_a_search_is_left_out_for_its_words_may_be_a_name_and_that_is_said(
    sign_in: SignIn, report: str, search: str
) -> None:
    client = sign_in(BRANDS_VIEWER, RECORD_VIEWER)
    said = page(client, f"{SAVE}?of={quote(f'{report}?{search}&gender=F')}")
    assert "What you searched for is left out" in said
    assert save(client, f"{report}?{search}&gender=F") == f"{report}?gender=F"
    assert "What you searched for" not in page(client, f"{SAVE}?of={quote(f'{report}?gender=F')}")


@pytest.mark.parametrize("name", ["name__startswith", "bands", "unheard"])
def test_what_no_filter_knows_is_not_saved_for_it_may_be_a_name_too(sign_in: SignIn, name: str) -> None:
    client = sign_in(RECORD_VIEWER)
    assert f"The address asks for “{name}”" in save(client, f"{RECORDS}?{name}=Ada")
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
def test_only_the_pages_that_the_person_may_open_can_be_saved(sign_in: SignIn, address: str) -> None:
    words = save(sign_in(BRANDS_VIEWER), address)
    assert "neither a report nor the list of records" in words or "is no address" in words
    assert not SavedView.objects.exists()


def test_filters_that_are_too_long_are_refused_with_a_sentence(sign_in: SignIn) -> None:
    words = save(sign_in(RECORD_VIEWER), f"{RECORDS}?condition={'x' * LONGEST_QUERY}")
    assert "longer than the 1,000 letters" in words


def test_bytes_that_no_text_can_hold_stay_written_as_they_are(sign_in: SignIn) -> None:
    client = sign_in(RECORD_VIEWER)
    assert save(client, f"{RECORDS}?condition=a%00b") == f"{RECORDS}?condition=a%00b"
    assert "condition: a" in page(client, LIST)


@pytest.mark.parametrize("name", ["", "  ", "None", "x" * 101, "two\u0007"])
def test_a_name_that_cannot_be_is_refused(sign_in: SignIn, name: str) -> None:
    assert 'class="errorlist"' in save(sign_in(BRANDS_VIEWER), BRANDS, name)
    assert not SavedView.objects.exists()


def test_blanks_in_a_name_are_tidied(sign_in: SignIn) -> None:
    save(sign_in(BRANDS_VIEWER), BRANDS, "  By   brand ")
    assert SavedView.objects.get().name == "By brand"


def test_a_person_has_each_name_once_whatever_its_letter_case(sign_in: SignIn) -> None:
    saved(somebody_else(), "Brands", shared=True)
    client = sign_in(BRANDS_VIEWER)
    save(client, BRANDS, "Brands")
    assert "There is already a view of this name" in save(client, BRANDS, "BRANDS")
    assert SavedView.objects.count() == 2


def test_the_database_keeps_names_apart(sign_in: SignIn) -> None:
    owner = somebody_else()
    saved(owner, "Brands")
    with pytest.raises(IntegrityError, match="saved_views_owner_name_unique"):
        saved(owner, "brands")


def test_a_view_is_renamed(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER)
    number = saved(User.objects.get(), "Old")
    saved(User.objects.get(), "Taken")
    assert "already a view of this name" in client.post(f"{LIST}{number}/", {"name": "taken"}).content.decode()
    assert client.post(f"{LIST}{number}/", {"name": "New"})["Location"] == LIST
    assert SavedView.objects.get(pk=number).name == "New"


def test_a_view_is_deleted(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER)
    number = saved(User.objects.get())
    assert client.get(f"{LIST}{number}/delete/").status_code == 405
    assert client.post(f"{LIST}{number}/delete/")["Location"] == LIST
    assert not SavedView.objects.exists()


def test_only_who_holds_the_permission_shares(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER)
    assert "is_shared" not in page(client, f"{SAVE}?of={BRANDS}")
    save(client, BRANDS, is_shared="on")
    assert not SavedView.objects.get().is_shared
    User.objects.all().delete()
    client = sign_in(BRANDS_VIEWER, SHARE)
    assert "is_shared" in page(client, f"{SAVE}?of={BRANDS}")
    save(client, BRANDS, is_shared="on")
    assert SavedView.objects.get().is_shared


def test_others_see_what_is_shared_and_nothing_else(sign_in: SignIn) -> None:
    other = somebody_else()
    saved(other, "Shared one", shared=True)
    saved(other, "Private one")
    client = sign_in(BRANDS_VIEWER)
    for words in (menu(client), page(client, LIST)):
        assert "Shared one" in words
        assert "Private one" not in words
    assert "by other" in menu(client)


def test_a_shared_view_is_shown_to_nobody_who_may_not_open_its_page(sign_in: SignIn) -> None:
    saved(somebody_else(), "Of records", "admin:patients_medicalrecord_changelist", "gender=F", shared=True)
    client = sign_in(BRANDS_VIEWER)
    assert "Of records" not in page(client, LIST)
    User.objects.filter(username="staff").delete()
    assert "Of records" in page(sign_in(RECORD_VIEWER), LIST)


def test_who_may_no_longer_open_a_page_no_longer_sees_their_view_of_it(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER)
    saved(User.objects.get(), "Of records", "admin:patients_medicalrecord_changelist")
    assert "Of records" not in page(client, LIST)


def test_who_may_share_keeps_the_shared_views_of_those_who_left(sign_in: SignIn) -> None:
    other = somebody_else()
    shared, private = saved(other, "Shared one", shared=True), saved(other, "Private one")
    client = sign_in(BRANDS_VIEWER, SHARE)
    assert client.post(f"{LIST}{private}/delete/").status_code == 404
    assert client.post(f"{LIST}{shared}/", {"name": "Ours", "is_shared": "on"}).status_code == 302
    assert SavedView.objects.get(pk=shared).owner == other


def test_the_navigation_offers_to_save_what_can_be_saved(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER)
    assert f'<a href="{SAVE}?of=%2Freports%2Fbrands%2F%3Fgender%3DF">Save this view</a>' in menu(
        client, f"{BRANDS}?gender=F"
    )
    assert "Save this view" not in menu(client, "/")


def test_who_may_save_nothing_has_no_such_menu(sign_in: SignIn) -> None:
    assert not menu(sign_in("trackers.view_trackermodel"), "/")


def test_the_menu_leads_to_the_list_when_there_are_many(sign_in: SignIn) -> None:
    client = sign_in(BRANDS_VIEWER)
    for number in range(20):
        saved(User.objects.get(), f"View {number:02}")
    assert "View 14" in menu(client)
    assert "View 15" not in menu(client)
    assert "More views" in menu(client)
    assert "View 19" in page(client, LIST)


def test_the_list_costs_the_same_few_queries_however_many_views(
    sign_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = sign_in(BRANDS_VIEWER, SHARE)
    other = somebody_else()
    for number in range(20):
        saved(other, f"View {number}", shared=True)
    with django_assert_max_num_queries(7):
        client.get(LIST)
