"""Settling a tracker name and undoing it: the choice, the buttons, and what each says afterwards."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from patients.views import MOST_MODELS_FOUND
from tests.support import factories
from tests.support.page_permissions import assert_page_needs
from tests.support.report_pages import page
from tests.support.signing_in import SignIn
from tests.support.tracker_links import ALL_BAND_2, links, make_catalogue, make_patients, unlink_by_staff
from trackers.admin import TrackerAliasAdmin
from trackers.models import TrackerAlias, TrackerModel

LIST = "/admin/tracker-names/"
SETTLE = f"{LIST}settle/"
UNDO = f"{LIST}undo/"
VIEWER = ("trackers.view_trackeralias", "patients.view_medicalrecord")
SETTLER = (*VIEWER, "trackers.add_trackeralias")
XIAOMI = {"Xiaomi Band 2"}


@pytest.fixture
def steward(sign_in: SignIn) -> Client:
    return sign_in(*SETTLER, "trackers.delete_trackeralias", "trackers.view_trackermodel")


@pytest.fixture
def catalogue(db: None) -> dict[str, TrackerModel]:
    return make_catalogue()


def settle(browser: Client, name: str, model: TrackerModel, query: str = "") -> Any:
    return browser.post(f"{SETTLE}{query}", {"name": name, "model": str(model.pk)}, follow=True)


def undo(browser: Client, alias: str | int) -> Any:
    return browser.post(UNDO, {"alias": str(alias)}, follow=True)


def said(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("missing", SETTLER)
def test_settling_needs_the_permissions_to_add_names_and_to_see_them_and_records(
    sign_in: SignIn, missing: str, catalogue: dict[str, TrackerModel]
) -> None:
    others = [permission for permission in SETTLER if permission != missing]
    assert_page_needs(sign_in, f"{SETTLE}?name=Band+2", *SETTLER, others=others)
    TrackerAlias.objects.all().delete()
    User.objects.all().delete()
    assert settle(sign_in(*others), "Band 2", catalogue["Xiaomi Band 2"]).status_code == 403
    assert not TrackerAlias.objects.exists()


@pytest.mark.parametrize("others", [[*SETTLER], ["trackers.delete_trackeralias"]])
def test_undoing_needs_the_permission_to_delete_names(
    sign_in: SignIn, others: list[str], catalogue: dict[str, TrackerModel]
) -> None:
    alias = factories.tracker_alias("Band 2", catalogue["Xiaomi Band 2"])
    assert "/login/" in Client().post(UNDO, {"alias": alias.pk})["Location"]
    assert undo(sign_in(*others), alias.pk).status_code == 403
    assert TrackerAlias.objects.get() == alias


@pytest.mark.parametrize("address", [SETTLE, UNDO])
def test_a_form_of_another_site_changes_nothing(catalogue: dict[str, TrackerModel], address: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(factories.staff(*SETTLER, "trackers.delete_trackeralias"))
    data = {"name": "Band 2", "model": catalogue["Xiaomi Band 2"].pk, "alias": "1"}
    assert browser.post(address, data).status_code == 403
    assert not TrackerAlias.objects.exists()


def test_undoing_is_never_done_by_a_link(steward: Client) -> None:
    assert steward.get(UNDO).status_code == 405


def test_one_click_settles_a_name_and_says_how_many_patients_moved(
    steward: Client, catalogue: dict[str, TrackerModel]
) -> None:
    make_patients("Band 2", "BAND 2", "Honor Band 2")
    answer = settle(steward, "Band 2", catalogue["Xiaomi Band 2"], "?unknown=2&q=band&name=Band+2")
    assert answer.redirect_chain == [(f"{LIST}?unknown=2", 302)]
    assert "“Band 2” stands for Xiaomi Band 2 from now on. Patients moved: 2." in said(answer)
    assert links() == {"P0": XIAOMI, "P1": XIAOMI, "P2": {"Honor Band 2"}}
    alias = TrackerAlias.objects.get()
    assert (alias.name, str(alias.created_by)) == ("Band 2", "staff")


def test_patients_whom_staff_parted_from_the_model_are_not_said_to_have_moved(
    steward: Client, catalogue: dict[str, TrackerModel]
) -> None:
    make_patients("Band 2")
    unlink_by_staff(catalogue["Xiaomi Band 2"])
    assert "Patients moved: 0." in said(settle(steward, "Band 2", catalogue["Xiaomi Band 2"]))
    assert links() == {"P0": set()}


def test_undoing_gives_the_patients_back_their_links(steward: Client, catalogue: dict[str, TrackerModel]) -> None:
    make_patients("Band 2")
    settle(steward, "band 2", catalogue["Xiaomi Band 2"])
    answer = undo(steward, TrackerAlias.objects.get().pk)
    assert "“band 2” is not settled any more" in said(answer)
    assert "Patients who state it: 1." in said(answer)
    assert links() == {"P0": ALL_BAND_2}


@pytest.mark.parametrize("alias", ["", "x", "0", "\0", "9" * 30])
def test_undoing_what_is_not_there_says_so(steward: Client, alias: str) -> None:
    assert "This name is not settled any more: somebody else undid it meanwhile." in said(undo(steward, alias))


def test_a_name_that_somebody_settled_meanwhile_stays_as_they_did(
    steward: Client, catalogue: dict[str, TrackerModel]
) -> None:
    factories.tracker_alias("BAND 2", catalogue["Honor Band 2"])
    text = said(settle(steward, "Band 2", catalogue["Xiaomi Band 2"]))
    assert "This name is settled already." in text
    assert "The name is settled: it stands for Honor Band 2." in text
    assert TrackerAlias.objects.get().model == catalogue["Honor Band 2"]


def test_a_name_that_somebody_settles_at_the_same_moment_stays_as_they_did(
    steward: Client, catalogue: dict[str, TrackerModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    def settled_meanwhile(*_: object, **__: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(TrackerAliasAdmin, "save_model", settled_meanwhile)
    text = said(settle(steward, "Band 2", catalogue["Xiaomi Band 2"]))
    assert "Somebody else changed this name or this model at the same moment." in text


@pytest.mark.parametrize(
    ("name", "model", "sentence"),
    [
        ("Band 2", "", "Tracker model: This field is required."),
        ("Band 2", "0", "Tracker model: Select a valid choice."),
        ("Band 2", "x", "Tracker model: Select a valid choice."),
        ("Band 2", "\0", "Tracker model: "),
        ("x" * 301, "", "Ensure this value has at most 300 characters (it has 301)."),
        ("\0", "", "Stated tracker: "),
        ("", "", "Stated tracker: This field is required."),
    ],
)
def test_a_faulty_choice_is_refused_with_a_sentence(steward: Client, name: str, model: str, sentence: str) -> None:
    assert sentence in said(steward.post(SETTLE, {"name": name, "model": model}))


def test_the_page_of_a_name_offers_its_models_and_any_other(
    steward: Client, catalogue: dict[str, TrackerModel]
) -> None:
    make_patients("Band 2")
    text = page(steward, f"{SETTLE}?name=band+2")
    assert "Models of this name" in text
    for name in ALL_BAND_2:
        assert f'value="{catalogue[name].pk}"' in text
    assert f'value="{catalogue["Amazfit Bip U"].pk}"' not in text
    assert 'data-model-name="trackeralias"' in text
    assert "Closest names of the catalogue" in page(steward, f"{SETTLE}?name=Bip+Uu")


def test_models_are_found_by_their_words_without_scripts(steward: Client, catalogue: dict[str, TrackerModel]) -> None:
    text = page(steward, f"{SETTLE}?name=Fenix&q=bip+amaz")
    assert f'value="{catalogue["Amazfit Bip U"].pk}"' in text
    assert "No model is called so." in page(steward, f"{SETTLE}?name=Fenix&q=nothing")


def test_the_catalogue_is_not_searched_by_who_may_not_see_it(
    sign_in: SignIn, catalogue: dict[str, TrackerModel]
) -> None:
    text = page(sign_in(*SETTLER), f"{SETTLE}?name=Fenix&q=bip")
    assert "Amazfit Bip U" not in text
    assert "autocomplete" not in text


def test_of_very_many_models_the_first_are_shown(steward: Client) -> None:
    for number in range(MOST_MODELS_FOUND + 1):
        factories.tracker_model(model_name=f"Band {number}")
    assert f"the first {MOST_MODELS_FOUND}" in page(steward, f"{SETTLE}?name=Fenix&q=xiaomi")


@pytest.mark.parametrize("query", ["", "?name=", "?name=%00", "?name=+&q=x"])
def test_without_a_name_the_page_leads_to_the_list(steward: Client, query: str) -> None:
    assert steward.get(f"{SETTLE}{query}")["Location"].startswith(LIST)


@pytest.mark.parametrize("query", ["?name=x&q=%00", "?name=%25", f"?name={'x' * 1000}", "?name=%3Cb%3E&q=%3Cb%3E"])
def test_an_odd_name_does_no_harm(steward: Client, query: str) -> None:
    assert "<b>" not in page(steward, f"{SETTLE}{query}")


@pytest.mark.parametrize("count", [3, 100])
def test_the_database_is_asked_as_often_for_any_number_of_patients_and_models(
    steward: Client, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    models = [factories.tracker_model(f"Brand {number}") for number in range(count)]
    make_patients(*["Band 2"] * count)
    with django_assert_max_num_queries(11):
        steward.get(f"{SETTLE}?name=Band+2&q=brand")
    with django_assert_max_num_queries(23):
        steward.post(SETTLE, {"name": "Band 2", "model": models[0].pk})
    with django_assert_max_num_queries(20):
        steward.post(UNDO, {"alias": TrackerAlias.objects.get().pk})


def test_nothing_is_changed_when_a_settling_fails_half_way(steward: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    model = factories.tracker_model()
    make_patients("Fenix")

    def fail(*_: object) -> None:
        raise IntegrityError

    monkeypatch.setattr("patients.views.stating", fail)
    settle(steward, "Fenix", model)
    assert not TrackerAlias.objects.exists()
    assert links() == {"P0": set()}
