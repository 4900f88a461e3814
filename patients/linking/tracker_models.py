"""What the pages of tracker models show about patients."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from django.contrib import admin
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from healthtrack.core.permissions import Person, can_view
from patients.models import MedicalRecord, MedicalRecordTracker
from trackers.counts import rows_per_model

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    from trackers.models import TrackerModel


class _Counts(TypedDict):
    patient_count: int


class PatientsOfModels:
    """The number of patients who use a model; a link to them for people who may see records."""

    def annotate(self, models: QuerySet[Any]) -> QuerySet[Any]:
        """Return the models, each with its `patient_count`."""
        counted: QuerySet[Any] = models.annotate(patient_count=rows_per_model(MedicalRecordTracker.objects.all()))
        return counted

    def get_columns(self, person: Person) -> Sequence[Callable[[Any], str]]:
        return (self.linked_patients if can_view(person, MedicalRecord) else self.patients,)

    def list_deletion_errors(self, models: QuerySet[Any]) -> Sequence[str]:
        return [_explain_deletion_error(model) for model in models.filter(patient_count__gt=0)]

    @admin.display(ordering="patient_count")
    def patients(self, model: "WithAnnotations[TrackerModel, _Counts]") -> str:
        return f"{model.patient_count:,}"

    @admin.display(description="patients", ordering="patient_count")
    def linked_patients(self, model: "WithAnnotations[TrackerModel, _Counts]") -> str:
        if not model.patient_count:
            return self.patients(model)
        records = reverse("admin:patients_medicalrecord_changelist")
        query = urlencode({"tracker_model": model.pk})
        return format_html('<a href="{}?{}">{}</a>', records, query, self.patients(model))


def _explain_deletion_error(model: "WithAnnotations[TrackerModel, _Counts]") -> str:
    users = "1 patient uses it" if model.patient_count == 1 else f"{model.patient_count:,} patients use it"
    return f"{model} cannot be deleted: {users}."
