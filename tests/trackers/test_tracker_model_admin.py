"""The list of tracker models, and the page of a model with its variants."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.support import factories
from tests.support.page import Page
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import SignIn
from trackers.models import FitnessTracker, TrackerModel

LIST = "/admin/trackers/trackermodel/"
KEEPER = tuple(
    f"trackers.{action}_{model}"
    for action in ("view", "add", "change", "delete")
    for model in ("trackermodel", "fitnesstracker")
)


@pytest.fixture
def keeper(sign_in: SignIn) -> Client:
    return sign_in(*KEEPER)


def page(model: TrackerModel, name: str) -> str:
    return reverse(f"admin:trackers_trackermodel_{name}", args=[model.pk])


def form(*variants: dict[str, str], existing: int = 0, **values: str) -> dict[str, str]:
    data = {"brand_name": "Xiaomi", "model_name": "Band 2", "device_type": "FitnessBand", **values}
    data |= {"variants-TOTAL_FORMS": str(len(variants)), "variants-INITIAL_FORMS": str(existing)}
    for number, variant in enumerate(variants):
        data |= {f"variants-{number}-{field}": value for field, value in variant.items()}
    return data


def variant_row(**values: str) -> dict[str, str]:
    defaults = {"color": "Black", "selling_price": "2499", "original_price": "2999"}
    return {**defaults, "average_battery_life_days": "14", **values}


def existing_row(variant: FitnessTracker, **values: str) -> dict[str, str]:
    keys = {"tracker_id": str(variant.pk), "model": str(variant.model_id)}
    return variant_row(**keys, color=variant.color, **values)


def test_an_active_filter_is_shown_with_a_link_that_removes_it(keeper: Client) -> None:
    for brand in ("Honor", "Xiaomi"):
        factories.tracker_model(brand)
    list_page = Page.get(keeper, f"{LIST}?brand_name=Honor&device_type=FitnessBand")
    assert list_page.texts(".active-filters strong") == ["Honor", "FitnessBand"]
    assert list_page.addresses(".active-filters a") == ["?device_type=FitnessBand", "?brand_name=Honor"]
    assert list_page.texts("#changelist-filter > summary") == ["Filters 2 active"]


@pytest.mark.parametrize(("name", "permission"), [("change", "view"), ("change", "change"), ("delete", "delete")])
def test_each_page_of_a_model_needs_its_permission(sign_in: SignIn, name: str, permission: str) -> None:
    address = page(factories.tracker_model(), name)
    assert_page_needs(sign_in, address, f"trackers.{permission}_trackermodel", others=["trackers.view_fitnesstracker"])


@pytest.mark.parametrize(("address", "permission"), [(LIST, "view"), (f"{LIST}add/", "add")])
def test_list_and_add_page_need_their_permission(sign_in: SignIn, address: str, permission: str) -> None:
    assert_page_needs(sign_in, address, f"trackers.{permission}_trackermodel", others=["trackers.delete_trackermodel"])


def test_view_permission_alone_changes_nothing(sign_in: SignIn) -> None:
    model = factories.tracker_model()
    viewer = sign_in("trackers.view_trackermodel", "trackers.view_fitnesstracker")
    assert b'name="_save"' not in viewer.get(page(model, "change")).content
    assert viewer.post(page(model, "change"), form(model_name="Band 9")).status_code == 403
    assert viewer.post(page(model, "delete"), {"post": "yes"}).status_code == 403
    assert TrackerModel.objects.get().model_name == "Band 2"


@pytest.mark.parametrize("words", ["xiaomi band 2", "2 BAND xiaomi", "mi ban"])
def test_words_of_brand_and_model_find_a_model_in_any_order(keeper: Client, words: str) -> None:
    wanted = factories.tracker_model()
    factories.tracker_model(brand_name="Huawei")
    assert list(keeper.get(LIST, {"q": words}).context["cl"].queryset) == [wanted]


def test_brand_and_device_type_filter_the_list(keeper: Client) -> None:
    wanted = factories.tracker_model()
    factories.tracker_model(brand_name="Huawei", device_type="Smartwatch")
    for filtered in ({"brand_name": "Xiaomi"}, {"device_type": "FitnessBand"}):
        assert list(keeper.get(LIST, filtered).context["cl"].queryset) == [wanted]


def test_the_list_counts_variants_and_sorts_by_their_number(keeper: Client) -> None:
    few, many = factories.tracker_model(), factories.tracker_model(model_name="Band 3")
    factories.variant(few)
    factories.variant(many)
    factories.variant(many, color="Red")
    answer = keeper.get(LIST, {"o": "-4"})
    assert [(model, model.variant_count) for model in answer.context["cl"].queryset] == [(many, 2), (few, 1)]


@pytest.mark.parametrize("rows", [3, 50])
def test_list_search_and_autocomplete_need_the_same_queries_for_any_number_of_rows(
    keeper: Client, rows: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        factories.variant(factories.tracker_model(model_name=f"Band {number}"))
    with django_assert_max_num_queries(10):
        keeper.get(LIST)
    with django_assert_max_num_queries(10):
        keeper.get(LIST, {"q": "xiaomi band"})
    question = {"app_label": "trackers", "model_name": "fitnesstracker", "field_name": "model"}
    with django_assert_max_num_queries(6):
        keeper.get("/admin/autocomplete/", {**question, "term": "band"})


@pytest.mark.parametrize("rows", [3, 50])
def test_the_page_of_a_model_needs_the_same_queries_for_any_number_of_variants(
    keeper: Client, rows: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    model = factories.tracker_model()
    variants = [factories.variant(model, color=f"Color {number}") for number in range(rows)]
    with django_assert_max_num_queries(8):
        keeper.get(page(model, "change"))
    rows_sent = [existing_row(variant) for variant in variants]
    with django_assert_max_num_queries(28 + rows):  # Django itself looks each row's number up
        answer = keeper.post(page(model, "change"), form(*rows_sent, existing=rows))
    assert answer.status_code == 302


def test_autocomplete_needs_the_permission_to_see_models(sign_in: SignIn) -> None:
    factories.tracker_model()
    question = "app_label=trackers&model_name=fitnesstracker&field_name=model&term=band%00"
    assert_page_needs(
        sign_in,
        f"/admin/autocomplete/?{question}",
        "trackers.view_trackermodel",
        others=["trackers.view_fitnesstracker"],
    )


def test_a_model_is_added_with_its_variants(keeper: Client) -> None:
    answer = keeper.post(f"{LIST}add/", form(variant_row(), variant_row(color="Red")))
    assert answer.status_code == 302
    assert sorted(FitnessTracker.objects.values_list("color", flat=True)) == ["Black", "Red"]


def test_variants_are_changed_added_and_deleted_on_the_page_of_their_model(keeper: Client) -> None:
    model = factories.tracker_model()
    changed, removed = factories.variant(model), factories.variant(model, color="Red")
    rows = (existing_row(changed, selling_price="2600"), existing_row(removed, DELETE="on"), variant_row(color="Blue"))
    assert keeper.post(page(model, "change"), form(*rows, existing=2)).status_code == 302
    assert set(model.variants.values_list("color", "selling_price")) == {("Black", 2600), ("Blue", 2499)}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (variant_row(selling_price="3000"), "The selling price is higher than the original price."),
        (variant_row(rating="7"), "Ensure this value is less than or equal to 5."),
        (variant_row(color="bLaCk"), "This model already has a variant with this color, display and strap."),
        (variant_row(color="x" * 101), "Ensure this value has at most 100 characters (it has 101)."),
    ],
)
def test_an_invalid_variant_is_rejected_with_an_error(keeper: Client, row: dict[str, str], sentence: str) -> None:
    model = factories.tracker_model()
    existing = factories.variant(model)
    answer = keeper.post(page(model, "change"), form(existing_row(existing), row, existing=1))
    assert sentence in answer.content.decode()
    assert model.variants.count() == 1


def test_two_equal_variants_in_one_form_are_rejected_with_an_error(keeper: Client) -> None:
    answer = keeper.post(f"{LIST}add/", form(variant_row(), variant_row(color="BLACK")))
    assert "This model already has a variant with this color, display and strap." in answer.content.decode()
    assert not TrackerModel.objects.exists()


def test_a_variant_may_be_replaced_by_an_equal_one_in_the_same_form(keeper: Client) -> None:
    model = factories.tracker_model()
    removed = existing_row(factories.variant(model), DELETE="on")
    keeper.post(page(model, "change"), form(removed, variant_row(reviews="12"), existing=1))
    assert model.variants.get().reviews == 12


def test_a_second_model_of_the_same_name_is_rejected_with_an_error(keeper: Client) -> None:
    factories.tracker_model()
    answer = keeper.post(f"{LIST}add/", form(brand_name="XIAOMI", model_name="band 2"))
    assert "This brand already has a model with this name and device type." in answer.content.decode()


def test_an_unused_model_is_deleted_with_its_variants(keeper: Client) -> None:
    model = factories.tracker_model()
    factories.variant(model)
    assert "This deletes" in keeper.get(page(model, "delete")).content.decode()
    keeper.post(page(model, "delete"), {"post": "yes"})
    assert not TrackerModel.objects.exists()
    assert not FitnessTracker.objects.exists()


@pytest.mark.parametrize(
    "query",
    ["age=x", "q=%00", "q=%22", "p=abc", "p=999", "o=99", "o=x.-", "brand_name=%00", "e=1&p=abc", "_facets=1",
     "model_id=99999999999999999999", "all=", "_popup=1", "variants=x", "brand_name__foo=1"],
)  # fmt: skip
def test_invalid_parameters_cause_no_error(keeper: Client, query: str) -> None:
    factories.tracker_model()
    assert keeper.get(f"{LIST}?{query}", follow=True).status_code == 200


@pytest.mark.parametrize("key", ["%00", "abc", "99999999999999999999", "_zz"])
def test_a_page_of_an_unknown_model_redirects_with_a_message(keeper: Client, key: str) -> None:
    answer = keeper.get(f"{LIST}{key}/change/", follow=True)
    assert answer.redirect_chain[0][0] == LIST
    assert "Perhaps it was deleted?" in answer.content.decode()
