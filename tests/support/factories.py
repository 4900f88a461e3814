"""Rows for tests, valid without arguments; a test sets only what it is about."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django.contrib.auth.models import Permission, User
from factory.declarations import Sequence, SubFactory
from factory.django import DjangoModelFactory, Password

from healthtrack.imports.models import ImportFile, ImportRun, Kind, State
from patients.models import MedicalRecord, MedicalRecordTracker
from trackers.models import FitnessTracker, MissingModel, TrackerAlias, TrackerModel

DEFAULT_PASSWORD = "a long enough password"


class TrackerModelFactory(DjangoModelFactory[TrackerModel]):
    brand_name = "Xiaomi"
    model_name = "Band 2"
    device_type = "FitnessBand"

    class Meta:
        model = TrackerModel


class VariantFactory(DjangoModelFactory[FitnessTracker]):
    model = SubFactory(TrackerModelFactory)
    color = "Black"
    selling_price = 2499
    original_price = 2999
    average_battery_life_days = 14

    class Meta:
        model = FitnessTracker


class MedicalRecordFactory(DjangoModelFactory[MedicalRecord]):
    patient_id = Sequence(lambda number: f"P{number}")
    name = "Ada Byron"
    date_of_birth = date(1980, 5, 17)
    gender = "F"
    medications = False

    class Meta:
        model = MedicalRecord


class StaffFactory(DjangoModelFactory[User]):
    username = "staff"
    password = Password(DEFAULT_PASSWORD)
    is_staff = True

    class Meta:
        model = User


def tracker_model(
    brand_name: str = "Xiaomi", model_name: str = "Band 2", device_type: str = "FitnessBand"
) -> TrackerModel:
    return TrackerModelFactory.create(brand_name=brand_name, model_name=model_name, device_type=device_type)


def variant(model: TrackerModel, **values: Any) -> FitnessTracker:
    return VariantFactory.create(model=model, **values)


def tracker_alias(name: str, model: TrackerModel) -> TrackerAlias:
    return TrackerAlias.objects.create(name=name, model=model)


def missing_model(name: str, decision: MissingModel.Decision = MissingModel.Decision.REQUESTED) -> MissingModel:
    return MissingModel.objects.create(name=name, decision=decision)


def medical_record(patient_id: str = "P1", **values: Any) -> MedicalRecord:
    return MedicalRecordFactory.create(patient_id=patient_id, **values)


def link(record: MedicalRecord, model: TrackerModel, source: str = "staff") -> MedicalRecordTracker:
    return MedicalRecordTracker.objects.create(patient=record, model=model, source=source)


def import_run(
    state: State = State.CHECKING, *, file_name: str = "rows.csv", upload: str = "0" * 32, **values: Any
) -> ImportRun:
    """Return a run whose file and rows do not exist; with `undoes`, the undo of a run, which has no file."""
    kind = Kind.UNDO if "undoes" in values else Kind.IMPORT
    run = ImportRun.objects.create(**{"importer": "patients.medicalrecord", "kind": kind, "state": state, **values})
    if kind == Kind.IMPORT:
        ImportFile.objects.create(run=run, position=1, name=file_name, size=9, sha256="0" * 64, upload=upload)
    return run


def staff(*permissions: str, username: str = "") -> User:
    """Return a member of staff with these permissions, named as in `patients.view_medicalrecord`.

    Without a user name, the first one is "staff" and the next ones have numbers, as no name is used twice.
    """
    number = User.objects.filter(username__startswith="staff").count()
    user = StaffFactory.create(username=username or (f"staff{number}" if number else "staff"))
    if permissions:
        user.user_permissions.add(*_find(permissions))
    return user


def _find(names: Iterable[str]) -> Iterator[Permission]:
    codenames = [name.partition(".")[2] for name in names]
    found = Permission.objects.filter(codename__in=codenames).select_related("content_type")
    permissions = {f"{row.content_type.app_label}.{row.codename}": row for row in found}
    return (permissions[name] for name in names)
