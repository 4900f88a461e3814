"""The plain list of resolved tracker names, and what they mean for the pages of their models."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.support import factories
from tests.support.page_permissions import assert_page_needs
from tests.support.signing_in import SignIn
from trackers.models import TrackerAlias, TrackerModel

LIST = "/admin/trackers/trackeralias/"
MODELS = "/admin/trackers/trackermodel/"
STEWARD = tuple(f"trackers.{action}_trackeralias" for action in ("view", "add", "change", "delete"))


@pytest.fixture
def steward(sign_in: SignIn) -> Client:
    return sign_in(*STEWARD, "trackers.view_trackermodel", "trackers.delete_trackermodel")


@pytest.fixture
def alias(db: None) -> TrackerAlias:
    return factories.tracker_alias("Bipp", factories.tracker_model("huami", "Amazfit Bip U"))


@pytest.mark.parametrize(("address", "permission"), [(LIST, "view"), (f"{LIST}add/", "add")])
def test_list_and_add_page_need_their_permission(sign_in: SignIn, address: str, permission: str) -> None:
    assert_page_needs(sign_in, address, f"trackers.{permission}_trackeralias", others=["trackers.view_trackermodel"])


@pytest.mark.parametrize(("page", "permission"), [("change", "view"), ("delete", "delete")])
def test_each_page_of_a_name_needs_its_permission(
    sign_in: SignIn, alias: TrackerAlias, page: str, permission: str
) -> None:
    address = f"{LIST}{alias.pk}/{page}/"
    assert_page_needs(sign_in, address, f"trackers.{permission}_trackeralias", others=["trackers.view_trackermodel"])


def test_the_person_who_resolves_a_name_is_stored(steward: Client) -> None:
    model = factories.tracker_model()
    assert steward.post(f"{LIST}add/", {"name": " Bnad 2 ", "model": str(model.pk)}).status_code == 302
    alias = TrackerAlias.objects.get()
    assert (alias.name, alias.model, str(alias.created_by)) == ("Bnad 2", model, "staff")


def test_choosing_another_model_stores_the_new_person_and_time(steward: Client, alias: TrackerAlias) -> None:
    before = datetime(2020, 1, 1, tzinfo=UTC)
    TrackerAlias.objects.update(created_at=before)
    other = factories.tracker_model()
    answer = steward.post(f"{LIST}{alias.pk}/change/", {"name": "Another", "model": str(other.pk)})
    assert answer.status_code == 302
    alias.refresh_from_db()
    assert (alias.name, alias.model, str(alias.created_by)) == ("Bipp", other, "staff")
    assert alias.created_at > before


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("BIPP", "This name is already resolved."),
        ("x" * 301, "Ensure this value has at most 300 characters (it has 301)."),
        ("", "This field is required."),
    ],
)
def test_an_invalid_name_is_rejected_with_an_error(
    steward: Client, alias: TrackerAlias, name: str, sentence: str
) -> None:
    answer = steward.post(f"{LIST}add/", {"name": name, "model": str(alias.model_id)})
    assert sentence in answer.content.decode()
    assert TrackerAlias.objects.count() == 1


@pytest.mark.parametrize("words", ["bipp", "huami", "bip amazfit"])
def test_words_of_the_name_and_of_its_model_find_it(steward: Client, alias: TrackerAlias, words: str) -> None:
    factories.tracker_alias("Bnad 2", factories.tracker_model())
    assert list(steward.get(LIST, {"q": words}).context["cl"].queryset) == [alias]


@pytest.mark.parametrize("query", ["q=%00", "p=abc", "o=99", "name=%00", "alias_id=99999999999999999999"])
def test_invalid_parameters_cause_no_error(steward: Client, query: str) -> None:
    assert steward.get(f"{LIST}?{query}", follow=True).status_code == 200


def test_the_choice_of_a_model_has_no_button_that_deletes_it(sign_in: SignIn, alias: TrackerAlias) -> None:
    everything = [f"trackers.{action}_trackermodel" for action in ("view", "add", "change", "delete")]
    text = sign_in(*STEWARD, *everything).get(f"{LIST}{alias.pk}/change/").content.decode()
    assert 'id="id_model"' in text
    for unwanted in ("add_id_model", "change_id_model", "delete_id_model"):
        assert unwanted not in text


@pytest.mark.parametrize("rows", [3, 50])
def test_the_list_needs_the_same_queries_for_any_number_of_rows(
    steward: Client, rows: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        factories.tracker_alias(f"Name {number}", factories.tracker_model(model_name=f"Band {number}"))
    with django_assert_max_num_queries(8):
        steward.get(LIST)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (1, "the resolved tracker name “Name 0” means it. Undo that first."),
        (3, "3 resolved tracker names mean it, such as “Name 0”. Undo these first."),
    ],
)
def test_a_model_with_resolved_names_is_not_deleted(steward: Client, names: int, sentence: str) -> None:
    model = factories.tracker_model()
    for number in range(names):
        factories.tracker_alias(f"Name {number}", model)
    refusal = f"Xiaomi Band 2 cannot be deleted: {sentence}"
    assert refusal in steward.post(f"{MODELS}{model.pk}/delete/", {"post": "yes"}).content.decode()
    chosen = {"action": "delete_selected", "_selected_action": str(model.pk), "post": "yes"}
    assert refusal in steward.post(MODELS, chosen).content.decode()
    assert TrackerModel.objects.get() == model


def test_a_model_is_deleted_after_its_resolved_names_are_undone(steward: Client) -> None:
    model = factories.tracker_model()
    alias = factories.tracker_alias("Bnad 2", model)
    steward.post(f"{LIST}{alias.pk}/delete/", {"post": "yes"})
    steward.post(f"{MODELS}{model.pk}/delete/", {"post": "yes"})
    assert not TrackerModel.objects.exists()
