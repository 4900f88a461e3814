"""Patients are linked to the models that match their reported tracker, until a person decides otherwise."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from patients.linking.links import count_waiting_patients, link_waiting_patients, relink
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.database_sessions import start_in_another_session
from tests.support.tracker_links import (
    ALL_BAND_2,
    MATCHES,
    links,
    make_catalogue,
    make_model,
    unlink_by_staff,
    unlinked,
)
from trackers.links import LinkCounts
from trackers.models import TrackerModel

pytestmark = pytest.mark.django_db


def report_tracker(tracker: str) -> None:
    MedicalRecord.objects.update(tracker=tracker)
    relink(list(MedicalRecord.objects.values_list("pk", flat=True)))


@pytest.mark.parametrize(("tracker", "models"), MATCHES)
def test_a_reported_tracker_matches_models_by_name_or_brand_and_name_in_any_letter_case(
    tracker: str, models: set[str]
) -> None:
    make_catalogue()
    factories.medical_record(tracker=tracker)
    relink(["P1"])
    assert links() == {"P1": models}


@pytest.mark.parametrize(("tracker", "models"), MATCHES)
def test_new_models_are_linked_to_the_patients_who_report_them(tracker: str, models: set[str]) -> None:
    factories.medical_record(tracker=tracker)
    make_catalogue()
    assert links() == {"P1": models}


def test_relinking_changes_only_the_given_patients() -> None:
    make_catalogue()
    for patient_id in ("P1", "P2"):
        factories.medical_record(patient_id, tracker="Bip U")
    relink(["P2", "P9"])
    assert links() == {"P1": set(), "P2": {"Amazfit Bip U"}}
    relink([])
    assert links() == {"P1": set(), "P2": {"Amazfit Bip U"}}


def test_only_the_given_models_are_linked_to_waiting_patients() -> None:
    bip = make_catalogue()["Amazfit Bip U"]
    for patient_id, tracker in {"P1": "Bip U", "P2": "Band 2"}.items():
        factories.medical_record(patient_id, tracker=tracker)
    link_waiting_patients([])
    assert links() == {"P1": set(), "P2": set()}
    link_waiting_patients([bip.pk])
    assert links() == {"P1": {"Amazfit Bip U"}, "P2": set()}


def test_another_reported_tracker_replaces_all_links() -> None:
    catalogue = make_catalogue()
    record = factories.medical_record(tracker="Band 2")
    relink(["P1"])
    unlink_by_staff(catalogue["Honor Band 2"])
    factories.link(record, catalogue["Amazfit Bip U"])
    report_tracker("Huawei Band 2")
    assert (links(), unlinked()) == ({"P1": {"Huawei Band 2"}}, [])
    report_tracker("Band 2")
    assert links() == {"P1": ALL_BAND_2}
    report_tracker("")
    assert links() == {"P1": set()}


def test_decisions_of_staff_stay_when_models_are_added_or_saved_again() -> None:
    catalogue = make_catalogue()
    record = factories.medical_record(tracker="Band 2")
    relink(["P1"])
    unlink_by_staff(catalogue["Honor Band 2"])
    factories.link(record, catalogue["Amazfit Bip U"])
    for model in catalogue.values():
        model.save()
    link_waiting_patients([model.pk for model in catalogue.values()])
    left = {"Xiaomi Band 2", "Huawei Band 2", "Amazfit Bip U*"}
    assert (links(), unlinked()) == ({"P1": left}, [catalogue["Honor Band 2"].pk])
    make_model("Realme Band 2")
    assert links() == {"P1": {*left, "Realme Band 2"}}


def test_a_link_by_staff_does_not_become_one_by_an_import() -> None:
    model = make_model("Xiaomi Band 2")
    factories.link(factories.medical_record(tracker="Band 2"), model)
    link_waiting_patients([model.pk])
    assert links() == {"P1": {"Xiaomi Band 2*"}}


@pytest.fixture
def renamed() -> TrackerModel:
    """A model that P1 reports by its old name and P2 by its new one, and that staff linked to P3."""
    model = make_model("Xiaomi Band 2")
    for patient_id, tracker in {"P1": "Band 2", "P2": "Band 7", "P3": "Band 2"}.items():
        factories.medical_record(patient_id, tracker=tracker)
    factories.link(MedicalRecord.objects.get(pk="P3"), model)
    relink(["P1", "P2"])
    return model


def test_renaming_a_model_updates_links_by_import_and_leaves_links_by_staff(
    renamed: TrackerModel,
) -> None:
    assert links() == {"P1": {"Xiaomi Band 2"}, "P2": set(), "P3": {"Xiaomi Band 2*"}}
    renamed.model_name = "Band 7"
    renamed.save()
    assert links() == {"P1": set(), "P2": {"Xiaomi Band 7"}, "P3": {"Xiaomi Band 7*"}}


def test_renaming_a_model_leaves_the_links_of_others_with_its_old_name() -> None:
    catalogue = make_catalogue()
    factories.medical_record(tracker="Band 2")
    relink(["P1"])
    honors = catalogue["Honor Band 2"]
    honors.model_name = "Band 7"
    honors.save()
    assert links() == {"P1": ALL_BAND_2 - {"Honor Band 2"}}


def test_a_model_renamed_and_renamed_back_has_its_first_links(renamed: TrackerModel) -> None:
    before = links()
    for name in ("Band 7", "Band 2"):
        renamed.model_name = name
        renamed.save()
    assert links() == before


@pytest.mark.parametrize("change", [{"model_name": "BAND 2"}, {"brand_name": "Mi"}, {"device_type": "Smartwatch"}])
def test_a_change_after_which_the_name_still_matches_leaves_the_links(
    renamed: TrackerModel, change: dict[str, str]
) -> None:
    for field, value in change.items():
        setattr(renamed, field, value)
    renamed.save()
    assert links() == {"P1": {str(renamed)}, "P2": set(), "P3": {f"{renamed}*"}}


def test_a_new_brand_changes_the_matches_of_names_with_a_brand() -> None:
    model = make_model("Xiaomi Band 2")
    for patient_id, tracker in {"P1": "Xiaomi Band 2", "P2": "Mi Band 2"}.items():
        factories.medical_record(patient_id, tracker=tracker)
    relink(["P1", "P2"])
    model.brand_name = "Mi"
    model.save()
    assert links() == {"P1": set(), "P2": {"Mi Band 2"}}


def test_waiting_patients_are_counted_before_they_are_linked() -> None:
    catalogue = make_catalogue()
    for patient_id, tracker in {"P1": "Band 2", "P2": "Bip U", "P3": "Fenix", "P4": "", "P5": "Fenix"}.items():
        factories.medical_record(patient_id, tracker=tracker)
    models = [model.pk for model in catalogue.values()]
    assert count_waiting_patients(models) == LinkCounts(linked=2, unmatched=2, ambiguous=1)
    assert count_waiting_patients([]) == LinkCounts(unmatched=2)
    link_waiting_patients(models)
    assert count_waiting_patients(models) == LinkCounts(unmatched=2)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_linking_again_changes_nothing(times: int) -> None:
    catalogue = make_catalogue()
    for patient_id, tracker in {"P1": "Band 2", "P2": "Bip U", "P3": "Fenix"}.items():
        factories.medical_record(patient_id, tracker=tracker)
    for _ in range(times):
        relink(["P1", "P2", "P3"])
        link_waiting_patients([model.pk for model in catalogue.values()])
    assert links() == {"P1": ALL_BAND_2, "P2": {"Amazfit Bip U"}, "P3": set()}


def test_linking_needs_the_same_queries_for_any_number_of_patients() -> None:
    model = make_model("Xiaomi Band 2")
    query_counts = []
    for first in (0, 1):
        patients = [factories.medical_record(f"P{n}", tracker="Band 2").pk for n in range(first, 1 + first * 30)]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            relink(patients)
            MedicalRecord.objects.get(pk=patients[0]).tracker_links.all().delete()
            link_waiting_patients([model.pk])
            model.save()
        query_counts.append(len(queries))
    assert query_counts[0] == query_counts[1]


@transaction.atomic
def new_patient() -> None:
    factories.medical_record(tracker="Band 2")
    relink(["P1"])


@transaction.atomic
def new_model() -> None:
    make_model("Xiaomi Band 2")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("first", "second"), [(new_patient, new_model), (new_model, new_patient)])
def test_a_patient_and_a_model_added_at_the_same_time_are_linked(
    first: Callable[[], None], second: Callable[[], None]
) -> None:
    with transaction.atomic():
        first()
        other = start_in_another_session(second)
    other.result()
    assert links() == {"P1": {"Xiaomi Band 2"}}
