"""The list of variants and the page of a variant."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.support import factories
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import SignIn
from trackers.models import FitnessTracker

LIST = "/admin/trackers/fitnesstracker/"


@pytest.fixture
def keeper(sign_in: SignIn) -> Client:
    actions = ("view", "add", "change", "delete")
    return sign_in(*(f"trackers.{action}_fitnesstracker" for action in actions))


def page(variant: FitnessTracker, name: str) -> str:
    return reverse(f"admin:trackers_fitnesstracker_{name}", args=[variant.pk])


@pytest.mark.parametrize(("name", "permission"), [("change", "view"), ("change", "change"), ("delete", "delete")])
def test_each_page_of_a_variant_needs_its_permission(sign_in: SignIn, name: str, permission: str) -> None:
    address = page(factories.variant(factories.tracker_model()), name)
    assert_page_needs(sign_in, address, f"trackers.{permission}_fitnesstracker", others=["trackers.view_trackermodel"])


@pytest.mark.parametrize(("address", "permission"), [(LIST, "view"), (f"{LIST}add/", "add")])
def test_list_and_add_page_need_their_permission(sign_in: SignIn, address: str, permission: str) -> None:
    assert_page_needs(sign_in, address, f"trackers.{permission}_fitnesstracker", others=["trackers.view_trackermodel"])


def test_the_list_shows_prices_and_reviews_with_thousands_separators(keeper: Client) -> None:
    factories.variant(factories.tracker_model(), original_price=114900, reviews=14843)
    text = keeper.get(LIST).content.decode()
    for cell in ("2,499", "114,900", "14,843"):
        assert f">{cell}</td>" in text


def test_the_list_shows_unknown_values_as_a_dash(keeper: Client) -> None:
    factories.variant(factories.tracker_model())
    assert '<td class="field-review_count">-</td>' in keeper.get(LIST).content.decode()


@pytest.mark.parametrize(
    "query",
    [
        {"model__brand_name": "Xiaomi"},
        {"model__device_type": "FitnessBand"},
        {"display": "AMOLED"},
        {"strap_material": "Leather"},
        {"q": "black xiaomi"},
    ],
)
def test_filters_and_search_find_a_variant(keeper: Client, query: dict[str, str]) -> None:
    wanted = factories.variant(factories.tracker_model(), display="AMOLED", strap_material="Leather")
    other = factories.tracker_model(brand_name="Huawei", device_type="Smartwatch")
    factories.variant(other, color="Red")
    assert list(keeper.get(LIST, query).context["cl"].queryset) == [wanted]


@pytest.mark.parametrize("rows", [3, 50])
def test_the_list_needs_the_same_queries_for_any_number_of_rows(
    keeper: Client, rows: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        factories.variant(factories.tracker_model(model_name=f"Band {number}"))
    with django_assert_max_num_queries(12):
        keeper.get(LIST)


def test_a_variant_is_added(keeper: Client) -> None:
    values = {"model": str(factories.tracker_model().pk), "selling_price": "2499", "original_price": "2999"}
    keeper.post(f"{LIST}add/", {**values, "average_battery_life_days": "14", "rating": "4.3"})
    assert FitnessTracker.objects.get().rating == Decimal("4.3")


def test_a_variant_is_deleted(keeper: Client) -> None:
    keeper.post(page(factories.variant(factories.tracker_model()), "delete"), {"post": "yes"})
    assert not FitnessTracker.objects.exists()


@pytest.mark.parametrize(
    "query", ["age=x", "q=%00", "p=abc", "o=99", "model=x", "model__brand_name=%00", "display=%00", "rating=x"]
)
def test_invalid_parameters_cause_no_error(keeper: Client, query: str) -> None:
    factories.variant(factories.tracker_model())
    assert keeper.get(f"{LIST}?{query}", follow=True).status_code == 200
