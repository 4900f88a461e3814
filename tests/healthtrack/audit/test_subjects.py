"""Models declare what their changes concern: a new subject needs only its declaration."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from healthtrack.audit.models import Access, Change
from healthtrack.audit.subjects import get_changed_key, get_subject, record_access_to_changes
from healthtrack.audit.timelines import get_history
from healthtrack.audit.triggers import Subject, history, made_by_run, recorded_models, tracked_models
from patients.models import PATIENT, MedicalRecord, MedicalRecordTracker
from tests.support import factories
from trackers.models import TRACKER_MODEL, FitnessTracker, TrackerModel

# It shares a column of `changes` with tracker models; the name of the table tells them apart.
WARD = Subject("ward_id", stored_in="model_id")

pytestmark = pytest.mark.django_db


@pytest.fixture
def wards() -> Iterator[tuple[Any, Any]]:
    """Create two tables with a history: wards and their beds."""

    class Ward(models.Model):
        ward_id = models.IntegerField(primary_key=True)
        name = models.CharField(max_length=20)

        class Meta:
            app_label = "audit"
            db_table = "wards"
            triggers = history(WARD)

        def __str__(self) -> str:
            return self.name

    class Bed(models.Model):
        bed_id = models.IntegerField(primary_key=True)
        ward = models.ForeignKey(Ward, on_delete=models.CASCADE)
        made_by_run = made_by_run()

        class Meta:
            app_label = "audit"
            db_table = "beds"
            triggers = history(WARD)

        def __str__(self) -> str:
            return f"{self.ward}, bed {self.bed_id}"

    _find_models_again()
    with connection.schema_editor() as editor:
        for model in (Ward, Bed):
            editor.create_model(model)
            for trigger in getattr(model._meta, "triggers", ()):
                trigger.install(model)
    yield Ward, Bed
    for name in ("ward", "bed"):
        del apps.all_models["audit"][name]
    apps.clear_cache()
    _find_models_again()


def _find_models_again() -> None:
    tracked_models.cache_clear()
    recorded_models.cache_clear()


def shown_history(model: type[models.Model], key: object) -> list[str]:
    return [f"{entry.kind} {entry.name} {entry.action}" for entry in get_history(model, key, None).entries]


def test_a_history_includes_the_subject_and_all_rows_that_concern_it(wards: tuple[Any, Any]) -> None:
    ward_model, bed_model = wards
    surgery = ward_model.objects.create(ward_id=7, name="Surgery")
    other = ward_model.objects.create(ward_id=8, name="Maternity")
    bed_model.objects.create(bed_id=1, ward=surgery)
    bed_model.objects.create(bed_id=2, ward=other)
    ward_model.objects.filter(pk=7).update(name="Day surgery")
    assert shown_history(ward_model, 7) == [
        "Ward Day surgery update",
        "Bed Day surgery, bed 1 insert",
        "Ward Day surgery insert",
    ]
    assert shown_history(bed_model, 2) == ["Bed Maternity, bed 2 insert"]


def test_subjects_with_the_same_number_are_not_confused(wards: tuple[Any, Any]) -> None:
    ward_model, _ = wards
    model = factories.tracker_model()
    ward_model.objects.create(ward_id=model.pk, name="Surgery")
    assert shown_history(TrackerModel, model.pk) == ["Tracker model Xiaomi Band 2 insert"]
    assert shown_history(ward_model, model.pk) == ["Ward Surgery insert"]


def test_viewing_changes_is_recorded_only_for_subjects_that_declare_it(wards: tuple[Any, Any]) -> None:
    ward_model, _ = wards
    ward_model.objects.create(ward_id=7, name="Surgery")
    record_access_to_changes(list(Change.objects.all()))
    assert not Access.objects.exists()


def test_a_link_concerns_the_patient_and_the_model_but_is_in_the_patients_history() -> None:
    link = factories.link(factories.medical_record("P1"), factories.tracker_model())
    change = Change.objects.get(table_name="medical_record_and_trackers")
    assert get_changed_key(change) == {"patient_id": "P1", "model_id": link.model_id}
    assert "Tracker" in "".join(shown_history(MedicalRecord, "P1"))
    assert "P1" not in "".join(shown_history(TrackerModel, link.model_id))


@pytest.mark.parametrize(
    ("model", "subject"),
    [(MedicalRecord, PATIENT), (TrackerModel, TRACKER_MODEL), (FitnessTracker, None), (MedicalRecordTracker, None)],
)
def test_a_subject_is_the_only_key_of_its_model(model: type[models.Model], subject: Subject | None) -> None:
    assert get_subject(model) == subject
