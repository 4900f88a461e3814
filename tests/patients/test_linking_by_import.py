"""How imports of records and of the catalogue change the links of patients."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from healthtrack.imports.tables.related import RelatedRows
from healthtrack.imports.tables.staging import StagedRows, Step
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.database_sessions import start_in_another_session
from tests.support.tracker_links import (
    ALL_BAND_2,
    CATALOGUE,
    MATCHES,
    ImportModels,
    ImportRecords,
    links,
    make_catalogue,
    make_model,
    unlink_by_staff,
    unlinked,
)
from trackers.links import LinkCounts
from trackers.models import TrackerModel

pytestmark = pytest.mark.django_db

PATIENTS = {"P1": "Band 2", "P2": "huawei band 2", "P3": "Fenix", "P4": "None", "P5": "Bip U"}
THEIR_LINKS = {"P1": ALL_BAND_2, "P2": {"Huawei Band 2"}, "P3": set(), "P4": set(), "P5": {"Amazfit Bip U"}}


@pytest.mark.parametrize(("tracker", "models"), [*MATCHES, (" Band  2 ", ALL_BAND_2), ("NONE", set())])
def test_a_new_patient_is_linked_by_the_reported_tracker(
    import_records: ImportRecords, tracker: str, models: set[str]
) -> None:
    make_catalogue()
    import_records({"P1": tracker})
    assert links() == {"P1": models}


@pytest.mark.parametrize("records_first", [True, False])
def test_links_do_not_depend_on_the_order_of_the_files(
    import_records: ImportRecords, import_models: ImportModels, records_first: bool
) -> None:
    if records_first:
        import_records(PATIENTS)
    import_models(*CATALOGUE)
    if not records_first:
        import_records(PATIENTS)
    assert links() == THEIR_LINKS


def test_a_catalogue_imported_in_parts_gives_the_same_links(
    import_records: ImportRecords, import_models: ImportModels
) -> None:
    import_models(CATALOGUE[0])
    import_records(PATIENTS)
    for model in CATALOGUE:
        import_models(model.upper(), CATALOGUE[0])
    assert {pk: {name.lower() for name in names} for pk, names in links().items()} == {
        pk: {name.lower() for name in names} for pk, names in THEIR_LINKS.items()
    }


def test_the_preview_of_records_shows_the_links_that_the_import_makes(import_records: ImportRecords) -> None:
    make_catalogue()
    preview = import_records(PATIENTS, dry_run=True).links
    assert preview == LinkCounts(linked=3, unmatched=1, ambiguous=1)
    assert links() == {}
    assert import_records(PATIENTS).links == preview
    assert links() == THEIR_LINKS


def test_the_preview_of_a_catalogue_shows_the_links_that_the_import_makes(
    import_records: ImportRecords, import_models: ImportModels
) -> None:
    import_records(PATIENTS)
    preview = import_models(*CATALOGUE, dry_run=True).links
    assert preview == LinkCounts(linked=3, unmatched=1, ambiguous=1)
    assert links() == {patient_id: set() for patient_id in PATIENTS}
    assert not TrackerModel.objects.exists()
    assert import_models(*CATALOGUE).links == preview
    assert links() == THEIR_LINKS


def test_a_patient_whose_tracker_gains_a_second_brand_is_linked_and_ambiguous(
    import_records: ImportRecords, import_models: ImportModels
) -> None:
    make_model("Xiaomi Band 2")
    import_records(PATIENTS)
    for dry_run in (True, False):
        counted = import_models("Xiaomi Band 2", "Honor Band 2", dry_run=dry_run).links
        assert counted == LinkCounts(linked=1, unmatched=3, ambiguous=1)
    assert links()["P1"] == {"Xiaomi Band 2", "Honor Band 2"}


@pytest.mark.parametrize(("others", "ambiguous"), [({"device_type": "Smartwatch"}, 0), ({"brand_name": "Huawei"}, 1)])
def test_models_with_one_name_are_all_linked_and_ambiguous_if_brands_differ(
    import_records: ImportRecords, others: dict[str, str], ambiguous: int
) -> None:
    for values in ({}, others):
        factories.tracker_model(**values)
    for dry_run in (True, False):
        assert import_records({"P1": "Band 2"}, dry_run=dry_run).links == LinkCounts(linked=1, ambiguous=ambiguous)
    assert MedicalRecord.objects.get().link_count == 2


def test_both_files_imported_again_change_no_link(import_records: ImportRecords, import_models: ImportModels) -> None:
    import_models(*CATALOGUE)
    counted = import_records(PATIENTS).links
    assert import_records(PATIENTS).links == counted
    assert import_models(*CATALOGUE).links == LinkCounts(unmatched=1)
    assert links() == THEIR_LINKS


@pytest.fixture
def decided(import_records: ImportRecords) -> dict[str, TrackerModel]:
    """The catalogue; staff have unlinked Honor Band 2 from P1, and linked Amazfit Bip U."""
    catalogue = make_catalogue()
    import_records({"P1": "Band 2"})
    unlink_by_staff(catalogue["Honor Band 2"])
    factories.link(MedicalRecord.objects.get(), catalogue["Amazfit Bip U"])
    return catalogue


@pytest.mark.parametrize("name", ["Ada Byron", "Ada Lovelace"])
@pytest.mark.parametrize("tracker", ["Band 2", "BAND 2", " band  2"])
def test_decisions_of_staff_stay_while_the_reported_tracker_does(
    decided: dict[str, TrackerModel],
    import_records: ImportRecords,
    import_models: ImportModels,
    tracker: str,
    name: str,
) -> None:
    for _ in range(2):
        import_records({"P1": tracker}, name=name)
        import_models(*CATALOGUE)
        assert links() == {"P1": {"Xiaomi Band 2", "Huawei Band 2", "Amazfit Bip U*"}}
        assert unlinked() == [decided["Honor Band 2"].pk]
    assert MedicalRecord.objects.get().tracker == " ".join(tracker.split())


@pytest.mark.parametrize(
    ("tracker", "models"),
    [("Honor Band 2", {"Honor Band 2"}), ("bip u", {"Amazfit Bip U"}), ("Fenix", set()), ("None", set()), ("", set())],
)
def test_another_reported_tracker_replaces_all_links(
    decided: dict[str, TrackerModel], import_records: ImportRecords, tracker: str, models: set[str]
) -> None:
    for _ in range(2):
        import_records({"P1": tracker})
        assert (links(), unlinked()) == ({"P1": models}, [])
    import_records({"P1": "Band 2"})
    assert links() == {"P1": ALL_BAND_2}


@pytest.mark.parametrize("tracker", ["Mi Band", "  mi  band ", "Xiaomi Band 2"])
def test_another_name_of_the_same_model_leaves_the_links(import_records: ImportRecords, tracker: str) -> None:
    catalogue = make_catalogue()
    factories.tracker_alias("Mi Band", catalogue["Xiaomi Band 2"])
    import_records({"P1": "XIAOMI Band 2"})
    factories.link(MedicalRecord.objects.get(), catalogue["Amazfit Bip U"])
    import_records({"P1": tracker})
    assert links() == {"P1": {"Xiaomi Band 2", "Amazfit Bip U*"}}
    assert MedicalRecord.objects.get().tracker == " ".join(tracker.split())
    import_records({"P1": "Band 2"})
    assert links() == {"P1": ALL_BAND_2}


def test_the_preview_of_another_reported_tracker_changes_nothing(
    decided: dict[str, TrackerModel], import_records: ImportRecords
) -> None:
    before = links()
    assert import_records({"P1": "Bip U"}, dry_run=True).links == LinkCounts(linked=1)
    assert (links(), unlinked()) == (before, [decided["Honor Band 2"].pk])


def test_the_reported_tracker_of_another_patient_changes_nothing(
    decided: dict[str, TrackerModel], import_records: ImportRecords
) -> None:
    import_records({"P2": "Honor Band 2"})
    decisions = {"Xiaomi Band 2", "Huawei Band 2", "Amazfit Bip U*"}
    assert links() == {"P1": decisions, "P2": {"Honor Band 2"}}
    import_records({"P2": "Bip U"})
    assert links() == {"P1": decisions, "P2": {"Amazfit Bip U"}}


def test_an_import_of_records_needs_the_same_queries_for_any_number_of_patients(import_records: ImportRecords) -> None:
    make_catalogue()
    query_counts = []
    for count in (2, 40):
        for tracker in ("Band 2", "Bip U"):
            with CaptureQueriesContext(connection) as queries:
                import_records({f"{count}-{number}": tracker for number in range(count)})
            query_counts.append(len(queries))
    assert query_counts[:2] == query_counts[2:]


def test_an_import_of_a_catalogue_needs_the_same_queries_for_any_number_of_patients(
    import_records: ImportRecords, import_models: ImportModels
) -> None:
    query_counts = []
    for count, model in ((2, "Xiaomi Band 2"), (40, "Amazfit Bip U")):
        import_records({f"{count}-{number}": model for number in range(count)})
        with CaptureQueriesContext(connection) as queries:
            import_models(model)
        query_counts.append(len(queries))
    assert query_counts[0] == query_counts[1]
    assert len(set.union(*links().values())) == 2


@pytest.mark.django_db(transaction=True)
def test_models_added_while_an_import_stores_their_patients_are_linked(
    import_records: ImportRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = []
    insert_related = StagedRows.insert_related

    def insert_meanwhile(self: StagedRows, related: RelatedRows, step: Step) -> None:
        insert_related(self, related, step)
        others.append(start_in_another_session(make_catalogue))

    monkeypatch.setattr(StagedRows, "insert_related", insert_meanwhile)
    import_records(PATIENTS)
    others.pop().result()
    assert links() == THEIR_LINKS


@pytest.mark.django_db(transaction=True)
def test_patients_added_during_an_import_of_their_models_are_linked(
    import_records: ImportRecords, import_models: ImportModels
) -> None:
    with transaction.atomic():
        import_models(*CATALOGUE)
        other = start_in_another_session(lambda: import_records(PATIENTS))
    other.result()
    assert links() == THEIR_LINKS
