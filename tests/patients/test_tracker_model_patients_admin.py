"""What the pages of tracker models show about the patients who use them."""

from typing import Any

import pytest
from django.db.models import ProtectedError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.support import factories
from tests.support.signing_in import SignIn
from trackers.admin import TrackerModelAdmin
from trackers.models import TrackerModel

LIST = "/admin/trackers/trackermodel/"
KEEPER = (
    "trackers.view_trackermodel",
    "trackers.delete_trackermodel",
    "trackers.delete_fitnesstracker",
    "patients.view_medicalrecord",
)


def used_model(patients: int, **values: str) -> TrackerModel:
    model = factories.tracker_model(**values)
    for number in range(patients):
        factories.link(factories.medical_record(f"{model.pk}-{number}"), model)
    return model


def test_the_number_of_patients_links_to_their_records(keeper: Client) -> None:
    model = used_model(2)
    address = f"/admin/patients/medicalrecord/?tracker_model={model.pk}"
    for page in (LIST, f"{LIST}{model.pk}/change/"):
        assert f'<a href="{address}">2</a>' in keeper.get(page).content.decode()
    assert keeper.get(address).context["cl"].result_count == 2


def test_the_number_is_no_link_for_people_who_may_not_see_records(sign_in: SignIn) -> None:
    model = used_model(2)
    viewer = sign_in("trackers.view_trackermodel")
    for page in (LIST, f"{LIST}{model.pk}/change/"):
        text = viewer.get(page).content.decode()
        assert "medicalrecord" not in text
        assert ">2</" in text


def test_the_list_sorts_by_the_number_of_patients(keeper: Client) -> None:
    few, many, none = (used_model(count, model_name=f"Band {count}") for count in (1, 2, 0))
    assert list(keeper.get(LIST, {"o": "-5"}).context["cl"].queryset) == [many, few, none]


@pytest.mark.parametrize("rows", [3, 50])
def test_the_list_needs_the_same_queries_for_any_number_of_rows(
    keeper: Client, rows: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        used_model(1, model_name=f"Band {number}")
    with django_assert_max_num_queries(11):
        keeper.get(LIST)


@pytest.mark.parametrize("patients", [3, 50])
def test_a_model_in_use_is_not_deleted_and_the_page_says_how_many_use_it(
    keeper: Client, patients: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    model = used_model(patients)
    for send in (keeper.get, keeper.post):
        with django_assert_max_num_queries(12):
            answer: Any = send(f"{LIST}{model.pk}/delete/", {"post": "yes"})
        assert f"Xiaomi Band 2 cannot be deleted: {patients} patients use it." in answer.content.decode()
    assert TrackerModel.objects.get() == model


def test_several_models_are_not_deleted_if_one_is_in_use(keeper: Client) -> None:
    models = [used_model(1), used_model(2, model_name="Band 3"), used_model(0, model_name="Band 4")]
    chosen = {"action": "delete_selected", "_selected_action": [str(model.pk) for model in models]}
    for data in (chosen, {**chosen, "post": "yes"}):
        text = keeper.post(LIST, data).content.decode()
        assert "Xiaomi Band 2 cannot be deleted: 1 patient uses it." in text
        assert "Xiaomi Band 3 cannot be deleted: 2 patients use it." in text
        assert "Band 4" not in text
    assert TrackerModel.objects.count() == 3


def test_unused_models_are_deleted_together(keeper: Client) -> None:
    models = [used_model(0, model_name=f"Band {number}") for number in (1, 2)]
    chosen = {"action": "delete_selected", "_selected_action": [str(model.pk) for model in models]}
    assert "Delete 2 tracker models?" in keeper.post(LIST, chosen).content.decode()
    keeper.post(LIST, {**chosen, "post": "yes"})
    assert not TrackerModel.objects.exists()


@pytest.mark.parametrize("bulk", [False, True])
def test_a_model_linked_before_the_confirmation_is_not_deleted(
    keeper: Client, monkeypatch: pytest.MonkeyPatch, bulk: bool
) -> None:
    model = used_model(0)

    def linked_meanwhile(*_: object) -> None:
        raise ProtectedError("linked", set())

    method = "delete_queryset" if bulk else "delete_model"
    monkeypatch.setattr(TrackerModelAdmin, method, linked_meanwhile)
    chosen = {"action": "delete_selected", "_selected_action": str(model.pk), "post": "yes"}
    answer = keeper.post(LIST if bulk else f"{LIST}{model.pk}/delete/", chosen, follow=True)
    assert "Nothing was saved" in answer.content.decode()
