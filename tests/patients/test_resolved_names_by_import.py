"""Imports use the tracker names that staff resolved, and so do the reports."""

import pytest
from django.test import Client

from tests.support import factories
from tests.support.report_pages import counts, table
from tests.support.signing_in import AsRole
from tests.support.tracker_links import (
    ALL_BAND_2,
    CATALOGUE,
    ImportModels,
    ImportRecords,
    links,
    make_catalogue,
    make_model,
)
from trackers.links import LinkCounts
from trackers.models import TrackerModel

pytestmark = pytest.mark.django_db

PATIENTS = {"P1": "Band 2", "P2": "huawei band 2", "P3": "Fenix", "P4": "None", "P5": "Bip U", "P6": "BAND 2"}
XIAOMI = {"Xiaomi Band 2"}


@pytest.fixture
def catalogue() -> dict[str, TrackerModel]:
    return make_catalogue()


@pytest.fixture
def analyst(as_role: AsRole) -> Client:
    return as_role("Analyst")


def brands(analyst: Client) -> dict[str, int]:
    return counts(analyst, "/reports/brands/")


def without_tracker(analyst: Client) -> list[str]:
    return [row[0] for row in table(analyst, "/reports/without-tracker/")["tbody"]]


def test_resolving_band_2_relinks_exactly_its_patients_in_both_reports(
    catalogue: dict[str, TrackerModel], import_records: ImportRecords, analyst: Client
) -> None:
    import_records(PATIENTS)
    assert brands(analyst) == {"Huawei": 3, "Honor": 2, "Xiaomi": 2, "Amazfit": 1}
    assert without_tracker(analyst) == ["P3", "P4"]
    before = links()
    alias = factories.tracker_alias("Band 2", catalogue["Xiaomi Band 2"])
    resolved = {**before, "P1": XIAOMI, "P6": XIAOMI}
    for _ in range(2):
        assert links() == resolved
        assert brands(analyst) == {"Xiaomi": 2, "Amazfit": 1, "Huawei": 1}
        assert without_tracker(analyst) == ["P3", "P4"]
        again = import_records(PATIENTS)
        assert (again.counts.new, again.counts.changed, again.counts.unchanged) == (0, 0, 6)
    alias.delete()
    assert links() == before


def test_resolving_an_unmatched_name_removes_its_patients_from_those_without_a_tracker(
    catalogue: dict[str, TrackerModel], import_records: ImportRecords, analyst: Client
) -> None:
    assert import_records(PATIENTS).links == LinkCounts(linked=4, unmatched=1, ambiguous=2)
    factories.tracker_alias("Fenix", catalogue["Amazfit Bip U"])
    for dry_run in (True, False):
        assert import_records(PATIENTS, dry_run=dry_run).links == LinkCounts(linked=5, unmatched=0, ambiguous=2)
    assert brands(analyst)["Amazfit"] == 2
    assert without_tracker(analyst) == ["P4"]


@pytest.mark.parametrize("resolved_first", [True, False])
def test_the_order_of_import_and_decision_does_not_matter(
    catalogue: dict[str, TrackerModel], import_records: ImportRecords, resolved_first: bool
) -> None:
    if not resolved_first:
        import_records(PATIENTS)
    factories.tracker_alias("band 2", catalogue["Xiaomi Band 2"])
    factories.tracker_alias("Fenix", catalogue["Amazfit Bip U"])
    for dry_run in (True, False):
        assert import_records(PATIENTS, dry_run=dry_run).links == LinkCounts(linked=5)
    bip = {"Amazfit Bip U"}
    assert links() == {"P1": XIAOMI, "P2": {"Huawei Band 2"}, "P3": bip, "P4": set(), "P5": bip, "P6": XIAOMI}


def test_a_patient_whose_new_tracker_is_a_resolved_name_is_linked_by_it(
    catalogue: dict[str, TrackerModel], import_records: ImportRecords
) -> None:
    factories.tracker_alias("Band 2", catalogue["Xiaomi Band 2"])
    import_records({"P1": "Bip U"})
    assert import_records({"P1": " band  2"}).links == LinkCounts(linked=1)
    assert links() == {"P1": XIAOMI}


def test_a_catalogue_with_another_model_of_a_resolved_name_leaves_its_patients(
    import_records: ImportRecords, import_models: ImportModels
) -> None:
    import_records(PATIENTS)
    factories.tracker_alias("Band 2", make_model("Xiaomi Band 2"))
    for dry_run in (True, False):
        assert import_models(*CATALOGUE, dry_run=dry_run).links == LinkCounts(linked=2, unmatched=1)
    found = links()
    assert (found["P1"], found["P6"]) == (XIAOMI, XIAOMI)


def test_a_name_undone_after_an_import_of_its_patients_means_all_of_its_models_again(
    catalogue: dict[str, TrackerModel], import_records: ImportRecords
) -> None:
    alias = factories.tracker_alias("Band 2", catalogue["Xiaomi Band 2"])
    import_records({"P1": "Band 2"})
    alias.delete()
    assert links() == {"P1": ALL_BAND_2}
