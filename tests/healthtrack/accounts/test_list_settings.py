"""People choose the columns of a list, their order and the page size."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from healthtrack.accounts.list_settings import ListSettings
from tests.support import factories
from tests.support.page import Page
from tests.support.role_holders import make_person
from tests.support.signing_in import AsRole, SignIn, client_for

LIST = "/admin/patients/medicalrecord/"
MODELS = "/admin/trackers/trackermodel/"
SETTINGS = "/sign-in/lists/patients.medicalrecord/"
HEADS = "#result_list thead th:not(.action-checkbox-column)"


@pytest.fixture
def keeper(as_role: AsRole) -> Client:
    """Return a client, like that of other folders; in this folder's other tests, a keeper is an account."""
    return as_role("Record keeper")


def save(browser: Client, *columns: str, **fields: Any) -> Any:
    return browser.post(SETTINGS, {"columns": columns, "order": columns, "page_size": "25", **fields}, follow=True)


def test_the_list_shows_the_chosen_columns_in_their_order(keeper: Client) -> None:
    factories.medical_record("P1", name="Ada Byron", allergies="Penicillin")
    page = Page.of(save(keeper, "full_name", "known_allergies", "patient_id"))
    assert page.texts(HEADS) == ["Name", "Allergies", "Patient number"]
    assert page.rows(part="tbody") == [["", "Ada Byron", "Penicillin", "P1"]]


def test_the_choice_is_for_one_list_and_one_person(keeper: Client) -> None:
    factories.medical_record("P1")
    factories.tracker_model()
    before = Page.get(keeper, MODELS).texts(HEADS)
    save(keeper, "full_name")
    assert Page.get(keeper, MODELS).texts(HEADS) == before
    assert len(Page.get(client_for(make_person("Analyst")), LIST).texts(HEADS)) > 1


def test_a_page_has_as_many_rows_as_chosen(keeper: Client) -> None:
    for number in range(30):
        factories.medical_record(f"P{number:02}")
    assert len(Page.get(keeper, LIST).all("#result_list tbody tr")) == 30
    assert len(Page.of(save(keeper, "patient_id")).all("#result_list tbody tr")) == 25


def test_the_list_returns_to_the_filters_that_it_had(keeper: Client) -> None:
    factories.medical_record("P1")
    (link,) = Page.get(keeper, f"{LIST}?gender=F&o=-age").addresses(".list-line a")
    answer = keeper.post(link, {"columns": ["age"], "order": ["age"], "page_size": "50"})
    assert answer["Location"] == f"{LIST}?gender=F&o=-age"


def test_the_list_stays_sorted_by_a_column_that_is_hidden(keeper: Client) -> None:
    for number, name in (("P1", "Zoe"), ("P2", "Ada")):
        factories.medical_record(number, name=name)
    save(keeper, "patient_id")
    assert Page.get(keeper, f"{LIST}?o=full_name").texts("#result_list tbody th") == ["P2", "P1"]


def test_whoever_hides_the_number_and_the_name_opens_records_by_another_column(keeper: Client) -> None:
    factories.medical_record("P1")
    page = Page.of(save(keeper, "gender", "age"))
    assert page.addresses("#result_list tbody a") == [f"{LIST}P1/change/"]


def test_buttons_move_a_column_without_saving_anything(keeper: Client) -> None:
    def order(page: Page) -> list[str]:
        return [each.get("value", "") for each in page.all("input[name=order]")]

    columns = order(Page.get(keeper, SETTINGS))
    assert columns[:3] == ["patient_id", "full_name", "date_of_birth"]
    form = {"order": columns, "columns": ["age"], "page_size": "100"}
    page = Page.of(keeper.post(SETTINGS, {**form, "move": "up:full_name"}))
    assert order(page)[:3] == ["full_name", "patient_id", "date_of_birth"]
    assert [each.get("value") for each in page.all("input[name=columns][checked]")] == ["age"]
    assert page.one("option[selected]").get("value") == "100"
    page = Page.of(keeper.post(SETTINGS, {**form, "order": order(page), "move": "down:full_name"}))
    assert order(page) == columns
    assert order(Page.of(keeper.post(SETTINGS, {**form, "move": "up:patient_id"}))) == columns
    assert not ListSettings.objects.exists()


def test_the_standard_columns_come_back(keeper: Client) -> None:
    factories.medical_record("P1")
    before = Page.get(keeper, LIST).texts(HEADS)
    save(keeper, "age")
    assert Page.of(save(keeper, reset="yes")).texts(HEADS) == before
    assert not ListSettings.objects.exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"columns": []}, "Choose at least one column."),
        ({"columns": ["link_count"]}, "This list has no column link_count."),
        ({"page_size": "7"}, "Select a valid choice. 7 is not one of the available choices."),
        ({"page_size": "9" * 400}, "is not one of the available choices."),
        ({"page_size": ""}, "This field is required."),
    ],
)
def test_an_invalid_choice_is_named_and_not_saved(keeper: Client, fields: dict[str, Any], message: str) -> None:
    page = Page.of(save(keeper, "age", **fields))
    assert message in page.text
    assert not ListSettings.objects.exists()


def test_a_column_that_no_longer_exists_is_left_out(keeper: Client) -> None:
    factories.medical_record("P1")
    person = User.objects.get(pk=keeper.session["_auth_user_id"])
    ListSettings.objects.create(
        person=person, list_name="patients.medicalrecord", columns=["shoe_size", "age"], page_size=25
    )
    assert Page.get(keeper, LIST).texts(HEADS) == ["Age"]
    ListSettings.objects.update(columns=["shoe_size"])
    assert len(Page.get(keeper, LIST).texts(HEADS)) > 5


def test_only_people_who_may_see_the_list_choose_its_columns(as_role: AsRole) -> None:
    assert as_role("Viewer").get(SETTINGS).status_code == 403


@pytest.mark.parametrize("name", ["patients", "patients.x", "x.y", "patients.medicalrecordtracker", "auth.group"])
def test_there_is_no_page_for_other_names(keeper: Client, name: str) -> None:
    assert keeper.get(f"/sign-in/lists/{name}/").status_code == 404


def test_columns_that_need_a_permission_are_only_offered_with_it(keeper: Client, sign_in: SignIn) -> None:
    address = "/sign-in/lists/trackers.trackermodel/"
    offered = 'value="linked_patients"'
    assert offered in keeper.get(address).content.decode()
    assert offered not in sign_in("trackers.view_trackermodel").get(address).content.decode()


def test_the_page_needs_few_queries(keeper: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_max_num_queries(6):
        keeper.get(SETTINGS)
