"""A tracker name that staff settled stands for the model that they chose, in every link that an import makes."""

import pytest
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from patients.linking import relink_names
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.database_sessions import start_in_another_session
from tests.support.tracker_links import (
    ALL_BAND_2,
    links,
    make_catalogue,
    make_model,
    make_patients,
    unlink_by_staff,
    unlinked,
)
from trackers.models import TrackerAlias, TrackerModel

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue() -> dict[str, TrackerModel]:
    return make_catalogue()


def test_settling_an_unknown_name_links_those_who_state_it_in_any_letter_case(
    catalogue: dict[str, TrackerModel],
) -> None:
    make_patients("Bipp", "BIPP", "Bip", "Bip U", "")
    factories.tracker_alias("bIpp", catalogue["Amazfit Bip U"])
    bip = {"Amazfit Bip U"}
    assert links() == {"P0": bip, "P1": bip, "P2": set(), "P3": bip, "P4": set()}


def test_settling_a_name_of_several_brands_leaves_its_patients_the_chosen_model(
    catalogue: dict[str, TrackerModel],
) -> None:
    make_patients("Band 2", "Honor Band 2")
    factories.tracker_alias("band 2", catalogue["Xiaomi Band 2"])
    assert links() == {"P0": {"Xiaomi Band 2"}, "P1": {"Honor Band 2"}}


def test_a_name_may_be_settled_for_a_model_that_it_does_not_name(catalogue: dict[str, TrackerModel]) -> None:
    make_patients("Band 2", "Honor Band 2")
    factories.tracker_alias("Honor Band 2", catalogue["Amazfit Bip U"])
    assert links() == {"P0": ALL_BAND_2, "P1": {"Amazfit Bip U"}}


def test_another_choice_moves_the_patients_and_letting_the_name_go_undoes_it(
    catalogue: dict[str, TrackerModel],
) -> None:
    make_patients("Band 2", "Bipp")
    settled = [factories.tracker_alias(name, catalogue["Xiaomi Band 2"]) for name in ("Band 2", "Bipp")]
    assert links() == {"P0": {"Xiaomi Band 2"}, "P1": {"Xiaomi Band 2"}}
    for alias in settled:
        alias.model = catalogue["Amazfit Bip U"]
        alias.save()
    assert links() == {"P0": {"Amazfit Bip U"}, "P1": {"Amazfit Bip U"}}
    TrackerAlias.objects.all().delete()
    assert links() == {"P0": ALL_BAND_2, "P1": set()}


@pytest.mark.parametrize("chosen", ["Xiaomi Band 2", "Honor Band 2", "Amazfit Bip U"])
def test_links_that_staff_made_or_removed_are_left_alone(catalogue: dict[str, TrackerModel], chosen: str) -> None:
    make_patients("Band 2")
    unlink_by_staff(catalogue["Honor Band 2"])
    factories.link(MedicalRecord.objects.get(), catalogue["Amazfit Bip U"])
    alias = factories.tracker_alias("Band 2", catalogue[chosen])
    staffs, imports = {"Amazfit Bip U*"}, {"Xiaomi Band 2", "Huawei Band 2"}
    assert (links(), unlinked()) == ({"P0": staffs | imports & {chosen}}, [catalogue["Honor Band 2"].pk])
    alias.delete()
    assert (links(), unlinked()) == ({"P0": staffs | imports}, [catalogue["Honor Band 2"].pk])


def test_a_patient_who_states_a_settled_name_later_is_linked_by_it(catalogue: dict[str, TrackerModel]) -> None:
    factories.tracker_alias("Band 2", catalogue["Xiaomi Band 2"])
    make_patients("Band 2", "Xiaomi Band 2")
    assert links() == {"P0": {"Xiaomi Band 2"}, "P1": {"Xiaomi Band 2"}}


def test_a_new_model_of_a_settled_name_gets_none_of_its_patients(catalogue: dict[str, TrackerModel]) -> None:
    make_patients("Band 2", "Bipp")
    for name in ("Band 2", "Bipp"):
        factories.tracker_alias(name, catalogue["Xiaomi Band 2"])
    make_model("Realme Band 2")
    make_model("Realme Bipp")
    assert links() == {"P0": {"Xiaomi Band 2"}, "P1": {"Xiaomi Band 2"}}
    TrackerAlias.objects.all().delete()
    assert links() == {"P0": {*ALL_BAND_2, "Realme Band 2"}, "P1": {"Realme Bipp"}}


def test_a_renamed_model_keeps_the_patients_of_its_settled_names_and_gains_none_of_others(
    catalogue: dict[str, TrackerModel],
) -> None:
    make_patients("Band 2", "Bipp", "Honor Band 2")
    factories.tracker_alias("Band 2", catalogue["Xiaomi Band 2"])
    factories.tracker_alias("Bipp", catalogue["Honor Band 2"])
    for model, name in (("Xiaomi Band 2", "Band 7"), ("Honor Band 2", "Band 8"), ("Huawei Band 2", "Bipp")):
        catalogue[model].model_name = name
        catalogue[model].save()
    assert links() == {"P0": {"Xiaomi Band 7"}, "P1": {"Honor Band 8"}, "P2": set()}


def test_a_model_that_a_settled_name_stands_for_is_not_deleted(catalogue: dict[str, TrackerModel]) -> None:
    factories.tracker_alias("Bipp", catalogue["Amazfit Bip U"])
    with pytest.raises(ProtectedError):
        catalogue["Amazfit Bip U"].delete()


def test_names_that_nobody_states_change_nothing(catalogue: dict[str, TrackerModel]) -> None:
    make_patients("Band 2", "", "Fenix")
    before = links()
    relink_names([])
    relink_names(["", "Bipp", "%"])
    factories.tracker_alias("Bipp", catalogue["Amazfit Bip U"]).delete()
    assert links() == before


@pytest.mark.parametrize("count", [3, 300])
def test_the_database_is_asked_as_often_for_any_number_of_patients(
    catalogue: dict[str, TrackerModel], count: int
) -> None:
    make_patients(*["Band 2"] * count)
    with CaptureQueriesContext(connection) as settling:
        alias = factories.tracker_alias("Band 2", catalogue["Xiaomi Band 2"])
    with CaptureQueriesContext(connection) as letting_go:
        alias.delete()
    assert (len(settling), len(letting_go)) == (3, 3)
    assert set(map(frozenset, links().values())) == {frozenset(ALL_BAND_2)}


@transaction.atomic
def new_patient() -> None:
    make_patients("Band 2")


@transaction.atomic
def settle_band_2() -> None:
    factories.tracker_alias("Band 2", TrackerModel.objects.get(brand_name="Xiaomi"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("patient_first", [True, False])
def test_a_patient_who_comes_while_the_name_is_settled_is_linked_by_it(patient_first: bool) -> None:
    make_catalogue()
    first, second = (new_patient, settle_band_2) if patient_first else (settle_band_2, new_patient)
    with transaction.atomic():
        first()
        other = start_in_another_session(second)
    other.result()
    assert links() == {"P0": {"Xiaomi Band 2"}}


@pytest.mark.django_db(transaction=True)
def test_a_link_that_staff_remove_while_the_name_is_let_go_stays_removed() -> None:
    catalogue = make_catalogue()
    alias = factories.tracker_alias("Band 2", catalogue["Xiaomi Band 2"])
    make_patients("Band 2")
    with transaction.atomic():
        MedicalRecord.objects.update(unlinked_model_ids=[catalogue["Honor Band 2"].pk])
        other = start_in_another_session(alias.delete)
    other.result()
    assert links() == {"P0": ALL_BAND_2 - {"Honor Band 2"}}
