"""The page to resolve a tracker name, and the undo: the choices, the buttons and the messages."""

from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from patients.linking.views import MAX_MODELS_FOUND
from tests.support import factories
from tests.support.page_permissions import assert_page_needs
from tests.support.report_pages import page
from tests.support.signing_in import SignIn
from tests.support.tracker_links import ALL_BAND_2, links, make_catalogue, make_patients, unlink_by_staff
from trackers.admin import TrackerAliasAdmin
from trackers.models import TrackerAlias, TrackerModel

LIST = "/admin/tracker-names/"
RESOLVE = f"{LIST}resolve/"
UNDO = f"{LIST}undo/"
VIEWER = ("trackers.view_trackeralias", "patients.view_medicalrecord")
RESOLVER = (*VIEWER, "trackers.add_trackeralias")
XIAOMI = {"Xiaomi Band 2"}


@pytest.fixture
def catalogue(db: None) -> dict[str, TrackerModel]:
    return make_catalogue()


def resolve(browser: Client, name: str, model: TrackerModel, query: str = "") -> Any:
    return browser.post(f"{RESOLVE}{query}", {"name": name, "model": str(model.pk)}, follow=True)


def undo(browser: Client, alias: str | int) -> Any:
    return browser.post(UNDO, {"alias": str(alias)}, follow=True)


def get_text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("missing", RESOLVER)
def test_resolving_needs_the_permissions_to_add_names_and_to_see_them_and_records(
    sign_in: SignIn, missing: str, catalogue: dict[str, TrackerModel]
) -> None:
    others = [permission for permission in RESOLVER if permission != missing]
    assert_page_needs(sign_in, f"{RESOLVE}?name=Band+2", *RESOLVER, others=others)
    TrackerAlias.objects.all().delete()
    assert resolve(sign_in(*others), "Band 2", catalogue["Xiaomi Band 2"]).status_code == 403
    assert not TrackerAlias.objects.exists()


@pytest.mark.parametrize("others", [[*RESOLVER], ["trackers.delete_trackeralias"]])
def test_undoing_needs_the_permission_to_delete_names(
    sign_in: SignIn, others: list[str], catalogue: dict[str, TrackerModel]
) -> None:
    alias = factories.tracker_alias("Band 2", catalogue["Xiaomi Band 2"])
    assert "/login/" in Client().post(UNDO, {"alias": alias.pk})["Location"]
    assert undo(sign_in(*others), alias.pk).status_code == 403
    assert TrackerAlias.objects.get() == alias


@pytest.mark.parametrize("address", [RESOLVE, UNDO])
def test_a_form_on_another_site_changes_nothing(catalogue: dict[str, TrackerModel], address: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(factories.staff(*RESOLVER, "trackers.delete_trackeralias"))
    data = {"name": "Band 2", "model": catalogue["Xiaomi Band 2"].pk, "alias": "1"}
    assert browser.post(address, data).status_code == 403
    assert not TrackerAlias.objects.exists()


def test_a_link_cannot_undo_a_name(steward: Client) -> None:
    assert steward.get(UNDO).status_code == 405


def test_one_click_resolves_a_name_and_says_how_many_patients_were_updated(
    steward: Client, catalogue: dict[str, TrackerModel]
) -> None:
    make_patients("Band 2", "BAND 2", "Honor Band 2")
    answer = resolve(steward, "Band 2", catalogue["Xiaomi Band 2"], "?unmatched=2&q=band&name=Band+2")
    assert answer.redirect_chain == [(f"{LIST}?unmatched=2", 302)]
    assert "“Band 2” now means Xiaomi Band 2. 2 patients were updated." in get_text(answer)
    assert links() == {"P0": XIAOMI, "P1": XIAOMI, "P2": {"Honor Band 2"}}
    alias = TrackerAlias.objects.get()
    assert (alias.name, str(alias.created_by)) == ("Band 2", "staff")


def test_patients_whom_staff_unlinked_from_the_model_are_not_counted(
    steward: Client, catalogue: dict[str, TrackerModel]
) -> None:
    make_patients("Band 2")
    unlink_by_staff(catalogue["Xiaomi Band 2"])
    assert "0 patients were updated." in get_text(resolve(steward, "Band 2", catalogue["Xiaomi Band 2"]))
    assert links() == {"P0": set()}


def test_undoing_restores_the_links_of_the_patients(steward: Client, catalogue: dict[str, TrackerModel]) -> None:
    make_patients("Band 2")
    resolve(steward, "band 2", catalogue["Xiaomi Band 2"])
    answer = undo(steward, TrackerAlias.objects.get().pk)
    assert "“band 2” is no longer resolved" in get_text(answer)
    assert "1 patient reports it." in get_text(answer)
    assert links() == {"P0": ALL_BAND_2}


@pytest.mark.parametrize("alias", ["", "x", "0", "\0", "9" * 30])
def test_undoing_an_unknown_name_gives_a_message(steward: Client, alias: str) -> None:
    assert "This name is no longer resolved: somebody else undid it." in get_text(undo(steward, alias))


def test_a_name_that_somebody_else_resolved_stays_as_it_is(steward: Client, catalogue: dict[str, TrackerModel]) -> None:
    factories.tracker_alias("BAND 2", catalogue["Honor Band 2"])
    text = get_text(resolve(steward, "Band 2", catalogue["Xiaomi Band 2"]))
    assert "This name is already resolved." in text
    assert "This name is resolved: it means Honor Band 2." in text
    assert TrackerAlias.objects.get().model == catalogue["Honor Band 2"]


def test_a_name_that_somebody_else_resolves_at_the_same_moment_stays_as_it_is(
    steward: Client, catalogue: dict[str, TrackerModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolved_meanwhile(*_: object, **__: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(TrackerAliasAdmin, "save_model", resolved_meanwhile)
    text = get_text(resolve(steward, "Band 2", catalogue["Xiaomi Band 2"]))
    assert "Somebody else changed this name or model at the same moment." in text


@pytest.mark.parametrize(
    ("name", "model", "sentence"),
    [
        ("Band 2", "", "Tracker model: This field is required."),
        ("Band 2", "0", "Tracker model: Select a valid choice."),
        ("Band 2", "x", "Tracker model: Select a valid choice."),
        ("Band 2", "\0", "Tracker model: "),
        ("x" * 301, "", "Ensure this value has at most 300 characters (it has 301)."),
        ("\0", "", "Reported tracker: "),
        ("", "", "Reported tracker: This field is required."),
    ],
)
def test_an_invalid_choice_gives_an_error(steward: Client, name: str, model: str, sentence: str) -> None:
    assert sentence in get_text(steward.post(RESOLVE, {"name": name, "model": model}))


def test_the_page_of_a_name_offers_its_models_and_any_other(
    steward: Client, catalogue: dict[str, TrackerModel]
) -> None:
    make_patients("Band 2")
    text = page(steward, f"{RESOLVE}?name=band+2")
    assert "Link to a model with this name" in text
    for name in ALL_BAND_2:
        assert f'value="{catalogue[name].pk}"' in text
    assert f'value="{catalogue["Amazfit Bip U"].pk}"' not in text
    assert 'data-model-name="trackeralias"' in text
    assert "Link to a similar model" in page(steward, f"{RESOLVE}?name=Bip+Uu")


def test_models_are_found_by_their_words_without_scripts(steward: Client, catalogue: dict[str, TrackerModel]) -> None:
    text = page(steward, f"{RESOLVE}?name=Fenix&q=bip+amaz")
    assert f'value="{catalogue["Amazfit Bip U"].pk}"' in text
    assert "No matching model." in page(steward, f"{RESOLVE}?name=Fenix&q=nothing")


def test_people_who_may_not_see_the_catalogue_cannot_search_it(
    sign_in: SignIn, catalogue: dict[str, TrackerModel]
) -> None:
    text = page(sign_in(*RESOLVER), f"{RESOLVE}?name=Fenix&q=bip")
    assert "Amazfit Bip U" not in text
    assert "/autocomplete/" not in text


def test_only_the_first_of_many_models_are_shown(steward: Client) -> None:
    for number in range(MAX_MODELS_FOUND + 1):
        factories.tracker_model(model_name=f"Band {number}")
    assert f"the first {MAX_MODELS_FOUND}" in page(steward, f"{RESOLVE}?name=Fenix&q=xiaomi")


@pytest.mark.parametrize("query", ["", "?name=", "?name=%00", "?name=+&q=x"])
def test_without_a_name_the_page_redirects_to_the_list(steward: Client, query: str) -> None:
    assert steward.get(f"{RESOLVE}{query}")["Location"].startswith(LIST)


@pytest.mark.parametrize("query", ["?name=x&q=%00", "?name=%25", f"?name={'x' * 1000}", "?name=%3Cb%3E&q=%3Cb%3E"])
def test_an_unusual_name_causes_no_error(steward: Client, query: str) -> None:
    assert "<b>" not in page(steward, f"{RESOLVE}{query}")


@pytest.mark.parametrize("count", [3, 100])
def test_the_pages_need_the_same_queries_for_any_number_of_patients_and_models(
    steward: Client, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    models = [factories.tracker_model(f"Brand {number}") for number in range(count)]
    make_patients(*["Band 2"] * count)
    with django_assert_max_num_queries(11):
        steward.get(f"{RESOLVE}?name=Band+2&q=brand")
    with django_assert_max_num_queries(23):
        steward.post(RESOLVE, {"name": "Band 2", "model": models[0].pk})
    with django_assert_max_num_queries(20):
        steward.post(UNDO, {"alias": TrackerAlias.objects.get().pk})


def test_nothing_is_changed_if_resolving_fails_half_way(steward: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    model = factories.tracker_model()
    make_patients("Fenix")

    def fail(*_: object) -> None:
        raise IntegrityError

    monkeypatch.setattr("patients.linking.views.filter_by_reported_tracker", fail)
    resolve(steward, "Fenix", model)
    assert not TrackerAlias.objects.exists()
    assert links() == {"P0": set()}
