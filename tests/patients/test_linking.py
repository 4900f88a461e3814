"""Patients are linked to the models that their stated trackers name, until a person decides otherwise."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from patients.linking import count_waiting_patients, link_waiting_patients, relink
from patients.models import MedicalRecord
from tests.support import factories
from tests.support.database_sessions import start_in_another_session
from tests.support.tracker_links import ALL_BAND_2, NAMED, links, make_catalogue, make_model, unlink_by_staff, unlinked
from trackers.links import LinkCounts
from trackers.models import TrackerModel

pytestmark = pytest.mark.django_db


def restate(tracker: str) -> None:
    MedicalRecord.objects.update(tracker=tracker)
    relink(list(MedicalRecord.objects.values_list("pk", flat=True)))


@pytest.mark.parametrize(("tracker", "models"), NAMED)
def test_a_stated_tracker_names_models_by_name_or_brand_and_name_in_any_letter_case(
    tracker: str, models: set[str]
) -> None:
    make_catalogue()
    factories.medical_record(tracker=tracker)
    relink(["P1"])
    assert links() == {"P1": models}


@pytest.mark.parametrize(("tracker", "models"), NAMED)
def test_new_models_find_the_patients_who_wait_for_them(tracker: str, models: set[str]) -> None:
    factories.medical_record(tracker=tracker)
    make_catalogue()
    assert links() == {"P1": models}


def test_only_the_patients_given_are_linked_anew() -> None:
    make_catalogue()
    for patient_id in ("P1", "P2"):
        factories.medical_record(patient_id, tracker="Bip U")
    relink(["P2", "P9"])
    assert links() == {"P1": set(), "P2": {"Amazfit Bip U"}}
    relink([])
    assert links() == {"P1": set(), "P2": {"Amazfit Bip U"}}


def test_only_patients_of_the_models_given_are_looked_for() -> None:
    bip = make_catalogue()["Amazfit Bip U"]
    for patient_id, tracker in {"P1": "Bip U", "P2": "Band 2"}.items():
        factories.medical_record(patient_id, tracker=tracker)
    link_waiting_patients([])
    assert links() == {"P1": set(), "P2": set()}
    link_waiting_patients([bip.pk])
    assert links() == {"P1": {"Amazfit Bip U"}, "P2": set()}


def test_another_stated_tracker_starts_all_links_anew() -> None:
    catalogue = make_catalogue()
    record = factories.medical_record(tracker="Band 2")
    relink(["P1"])
    unlink_by_staff(catalogue["Honor Band 2"])
    factories.link(record, catalogue["Amazfit Bip U"])
    restate("Huawei Band 2")
    assert (links(), unlinked()) == ({"P1": {"Huawei Band 2"}}, [])
    restate("Band 2")
    assert links() == {"P1": ALL_BAND_2}
    restate("")
    assert links() == {"P1": set()}


def test_what_staff_linked_or_unlinked_stays_when_models_come_or_are_saved_again() -> None:
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


def test_a_link_that_staff_made_themselves_is_not_made_again_as_an_imports() -> None:
    model = make_model("Xiaomi Band 2")
    factories.link(factories.medical_record(tracker="Band 2"), model)
    link_waiting_patients([model.pk])
    assert links() == {"P1": {"Xiaomi Band 2*"}}


@pytest.fixture
def renamed() -> TrackerModel:
    """Is linked to P1 by its old name, waited for by P2 under its new one, and given to P3 by staff."""
    model = make_model("Xiaomi Band 2")
    for patient_id, tracker in {"P1": "Band 2", "P2": "Band 7", "P3": "Band 2"}.items():
        factories.medical_record(patient_id, tracker=tracker)
    factories.link(MedicalRecord.objects.get(pk="P3"), model)
    relink(["P1", "P2"])
    return model


def test_a_renamed_model_changes_the_patients_whom_an_import_linked_and_leaves_the_staffs(
    renamed: TrackerModel,
) -> None:
    assert links() == {"P1": {"Xiaomi Band 2"}, "P2": set(), "P3": {"Xiaomi Band 2*"}}
    renamed.model_name = "Band 7"
    renamed.save()
    assert links() == {"P1": set(), "P2": {"Xiaomi Band 7"}, "P3": {"Xiaomi Band 7*"}}


def test_a_renamed_model_leaves_the_others_of_its_old_name_linked() -> None:
    catalogue = make_catalogue()
    factories.medical_record(tracker="Band 2")
    relink(["P1"])
    honors = catalogue["Honor Band 2"]
    honors.model_name = "Band 7"
    honors.save()
    assert links() == {"P1": ALL_BAND_2 - {"Honor Band 2"}}


def test_a_model_renamed_and_renamed_back_has_the_links_that_it_had(renamed: TrackerModel) -> None:
    before = links()
    for name in ("Band 7", "Band 2"):
        renamed.model_name = name
        renamed.save()
    assert links() == before


@pytest.mark.parametrize("change", [{"model_name": "BAND 2"}, {"brand_name": "Mi"}, {"device_type": "Smartwatch"}])
def test_a_change_that_leaves_the_stated_name_right_leaves_the_links(
    renamed: TrackerModel, change: dict[str, str]
) -> None:
    for field, value in change.items():
        setattr(renamed, field, value)
    renamed.save()
    assert links() == {"P1": {str(renamed)}, "P2": set(), "P3": {f"{renamed}*"}}


def test_a_new_brand_is_a_new_name_to_patients_who_state_it_too() -> None:
    model = make_model("Xiaomi Band 2")
    for patient_id, tracker in {"P1": "Xiaomi Band 2", "P2": "Mi Band 2"}.items():
        factories.medical_record(patient_id, tracker=tracker)
    relink(["P1", "P2"])
    model.brand_name = "Mi"
    model.save()
    assert links() == {"P1": set(), "P2": {"Mi Band 2"}}


def test_waiting_patients_are_counted_as_they_are_then_linked() -> None:
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


def test_the_database_is_asked_as_often_for_any_number_of_patients() -> None:
    model = make_model("Xiaomi Band 2")
    asked = []
    for first in (0, 1):
        patients = [factories.medical_record(f"P{n}", tracker="Band 2").pk for n in range(first, 1 + first * 30)]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            relink(patients)
            MedicalRecord.objects.get(pk=patients[0]).tracker_links.all().delete()
            link_waiting_patients([model.pk])
            model.save()
        asked.append(len(queries))
    assert asked[0] == asked[1]


@transaction.atomic
def new_patient() -> None:
    factories.medical_record(tracker="Band 2")
    relink(["P1"])


@transaction.atomic
def new_model() -> None:
    make_model("Xiaomi Band 2")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("first", "second"), [(new_patient, new_model), (new_model, new_patient)])
def test_a_patient_and_a_model_that_come_at_once_find_each_other(
    first: Callable[[], None], second: Callable[[], None]
) -> None:
    with transaction.atomic():
        first()
        other = start_in_another_session(second)
    other.result()
    assert links() == {"P1": {"Xiaomi Band 2"}}
