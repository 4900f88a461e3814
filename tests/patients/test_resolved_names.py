"""A tracker name that staff resolved means the model that they chose, in every link by import."""

import pytest
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from patients.linking.links import relink_names
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


def test_resolving_an_unmatched_name_links_patients_who_report_it_in_any_letter_case(
    catalogue: dict[str, TrackerModel],
) -> None:
    make_patients("Bipp", "BIPP", "Bip", "Bip U", "")
    factories.tracker_alias("bIpp", catalogue["Amazfit Bip U"])
    bip = {"Amazfit Bip U"}
    assert links() == {"P0": bip, "P1": bip, "P2": set(), "P3": bip, "P4": set()}


def test_resolving_an_ambiguous_name_leaves_its_patients_the_chosen_model(
    catalogue: dict[str, TrackerModel],
) -> None:
    make_patients("Band 2", "Honor Band 2")
    factories.tracker_alias("band 2", catalogue["Xiaomi Band 2"])
    assert links() == {"P0": {"Xiaomi Band 2"}, "P1": {"Honor Band 2"}}


def test_a_name_may_be_resolved_to_a_model_of_another_name(catalogue: dict[str, TrackerModel]) -> None:
    make_patients("Band 2", "Honor Band 2")
    factories.tracker_alias("Honor Band 2", catalogue["Amazfit Bip U"])
    assert links() == {"P0": ALL_BAND_2, "P1": {"Amazfit Bip U"}}


def test_another_choice_relinks_the_patients_and_undoing_it_restores_their_links(
    catalogue: dict[str, TrackerModel],
) -> None:
    make_patients("Band 2", "Bipp")
    aliases = [factories.tracker_alias(name, catalogue["Xiaomi Band 2"]) for name in ("Band 2", "Bipp")]
    assert links() == {"P0": {"Xiaomi Band 2"}, "P1": {"Xiaomi Band 2"}}
    for alias in aliases:
        alias.model = catalogue["Amazfit Bip U"]
        alias.save()
    assert links() == {"P0": {"Amazfit Bip U"}, "P1": {"Amazfit Bip U"}}
    TrackerAlias.objects.all().delete()
    assert links() == {"P0": ALL_BAND_2, "P1": set()}


@pytest.mark.parametrize("chosen", ["Xiaomi Band 2", "Honor Band 2", "Amazfit Bip U"])
def test_links_that_staff_made_or_removed_stay(catalogue: dict[str, TrackerModel], chosen: str) -> None:
    make_patients("Band 2")
    unlink_by_staff(catalogue["Honor Band 2"])
    factories.link(MedicalRecord.objects.get(), catalogue["Amazfit Bip U"])
    alias = factories.tracker_alias("Band 2", catalogue[chosen])
    by_staff, by_import = {"Amazfit Bip U*"}, {"Xiaomi Band 2", "Huawei Band 2"}
    assert (links(), unlinked()) == ({"P0": by_staff | by_import & {chosen}}, [catalogue["Honor Band 2"].pk])
    alias.delete()
    assert (links(), unlinked()) == ({"P0": by_staff | by_import}, [catalogue["Honor Band 2"].pk])


def test_a_patient_who_reports_a_resolved_name_later_is_linked_by_it(catalogue: dict[str, TrackerModel]) -> None:
    factories.tracker_alias("Band 2", catalogue["Xiaomi Band 2"])
    make_patients("Band 2", "Xiaomi Band 2")
    assert links() == {"P0": {"Xiaomi Band 2"}, "P1": {"Xiaomi Band 2"}}


def test_a_new_model_with_a_resolved_name_gets_none_of_its_patients(catalogue: dict[str, TrackerModel]) -> None:
    make_patients("Band 2", "Bipp")
    for name in ("Band 2", "Bipp"):
        factories.tracker_alias(name, catalogue["Xiaomi Band 2"])
    make_model("Realme Band 2")
    make_model("Realme Bipp")
    assert links() == {"P0": {"Xiaomi Band 2"}, "P1": {"Xiaomi Band 2"}}
    TrackerAlias.objects.all().delete()
    assert links() == {"P0": {*ALL_BAND_2, "Realme Band 2"}, "P1": {"Realme Bipp"}}


def test_a_renamed_model_keeps_the_patients_of_its_resolved_names_and_gains_no_others(
    catalogue: dict[str, TrackerModel],
) -> None:
    make_patients("Band 2", "Bipp", "Honor Band 2")
    factories.tracker_alias("Band 2", catalogue["Xiaomi Band 2"])
    factories.tracker_alias("Bipp", catalogue["Honor Band 2"])
    for model, name in (("Xiaomi Band 2", "Band 7"), ("Honor Band 2", "Band 8"), ("Huawei Band 2", "Bipp")):
        catalogue[model].model_name = name
        catalogue[model].save()
    assert links() == {"P0": {"Xiaomi Band 7"}, "P1": {"Honor Band 8"}, "P2": set()}


def test_a_model_with_a_resolved_name_is_not_deleted(catalogue: dict[str, TrackerModel]) -> None:
    factories.tracker_alias("Bipp", catalogue["Amazfit Bip U"])
    with pytest.raises(ProtectedError):
        catalogue["Amazfit Bip U"].delete()


def test_names_that_nobody_reports_change_nothing(catalogue: dict[str, TrackerModel]) -> None:
    make_patients("Band 2", "", "Fenix")
    before = links()
    relink_names([])
    relink_names(["", "Bipp", "%"])
    factories.tracker_alias("Bipp", catalogue["Amazfit Bip U"]).delete()
    assert links() == before


@pytest.mark.parametrize("count", [3, 300])
def test_resolving_needs_the_same_queries_for_any_number_of_patients(
    catalogue: dict[str, TrackerModel], count: int
) -> None:
    make_patients(*["Band 2"] * count)
    with CaptureQueriesContext(connection) as resolving:
        alias = factories.tracker_alias("Band 2", catalogue["Xiaomi Band 2"])
    with CaptureQueriesContext(connection) as undoing:
        alias.delete()
    assert (len(resolving), len(undoing)) == (4, 4)  # the last one finds readings of this name
    assert set(map(frozenset, links().values())) == {frozenset(ALL_BAND_2)}


@transaction.atomic
def new_patient() -> None:
    make_patients("Band 2")


@transaction.atomic
def resolve_band_2() -> None:
    factories.tracker_alias("Band 2", TrackerModel.objects.get(brand_name="Xiaomi"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("patient_first", [True, False])
def test_a_patient_added_while_the_name_is_resolved_is_linked_by_it(patient_first: bool) -> None:
    make_catalogue()
    first, second = (new_patient, resolve_band_2) if patient_first else (resolve_band_2, new_patient)
    with transaction.atomic():
        first()
        other = start_in_another_session(second)
    other.result()
    assert links() == {"P0": {"Xiaomi Band 2"}}


@pytest.mark.django_db(transaction=True)
def test_a_link_that_staff_remove_during_an_undo_stays_removed() -> None:
    catalogue = make_catalogue()
    alias = factories.tracker_alias("Band 2", catalogue["Xiaomi Band 2"])
    make_patients("Band 2")
    with transaction.atomic():
        MedicalRecord.objects.update(unlinked_model_ids=[catalogue["Honor Band 2"].pk])
        other = start_in_another_session(alias.delete)
    other.result()
    assert links() == {"P0": ALL_BAND_2 - {"Honor Band 2"}}
