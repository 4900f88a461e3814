"""A catalogue to link patients to, and the links in a form that is easy to compare."""

from collections.abc import Callable

from patients.linking.links import relink
from patients.models import MedicalRecord, MedicalRecordTracker
from tests.support import factories
from tests.support.finished_imports import Imported
from trackers.models import TrackerModel

ImportRecords = Callable[..., Imported]

ImportModels = Callable[..., Imported]

ALL_BAND_2 = {"Xiaomi Band 2", "Huawei Band 2", "Honor Band 2"}
CATALOGUE = (*sorted(ALL_BAND_2), "Amazfit Bip U")

# Reported trackers, and the models of the catalogue that they match.
MATCHES = [
    ("Band 2", ALL_BAND_2),
    ("bAND 2", ALL_BAND_2),
    ("Xiaomi Band 2", {"Xiaomi Band 2"}),
    ("XIAOMI band 2", {"Xiaomi Band 2"}),
    ("bip u", {"Amazfit Bip U"}),
    ("Amazfit Bip U", {"Amazfit Bip U"}),
    ("Amazfit Band 2", set()),
    ("Band", set()),
    ("Band 2 Pro", set()),
    ("Band_2", set()),
    ("%", set()),
    ("Xiaomi", set()),
    ("None", set()),
    ("", set()),
]


def brand_and_name(model: str) -> tuple[str, str]:
    brand, _, name = model.partition(" ")
    return brand, name


def make_model(model: str) -> TrackerModel:
    return factories.tracker_model(*brand_and_name(model))


def make_catalogue() -> dict[str, TrackerModel]:
    return {model: make_model(model) for model in CATALOGUE}


def make_patients(*trackers: str) -> None:
    """Create patients P0, P1 and so on, who report these trackers, and link them."""
    relink([factories.medical_record(f"P{number}", tracker=tracker).pk for number, tracker in enumerate(trackers)])


def links() -> dict[str, set[str]]:
    """Return the models of each patient; an asterisk marks links by staff."""
    found: dict[str, set[str]] = {pk: set() for pk in MedicalRecord.objects.values_list("pk", flat=True)}
    for link in MedicalRecordTracker.objects.select_related("model"):
        found[link.patient_id].add(f"{link.model}{'*' * (link.source == 'staff')}")
    assert dict(MedicalRecord.objects.values_list("pk", "link_count")) == {pk: len(found[pk]) for pk in found}
    return found


def unlink_by_staff(model: TrackerModel) -> None:
    """Unlink the model from all patients, as staff do in the admin."""
    model.patient_links.all().delete()
    MedicalRecord.objects.update(unlinked_model_ids=[model.pk])


def unlinked() -> list[int]:
    return MedicalRecord.objects.get().unlinked_model_ids
