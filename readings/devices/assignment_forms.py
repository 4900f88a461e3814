"""The form on the page of a device, and its assignments."""

import datetime
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest
from django.utils.formats import date_format

from healthtrack.core.date_formats import validate_plausible
from healthtrack.core.forms.concurrent_edits import ConcurrentEditForm
from healthtrack.core.forms.concurrent_formsets import ConcurrentEditFormSet
from healthtrack.core.forms.widgets import DayInput
from patients.models import MedicalRecord
from readings.models import Device, DeviceAssignment

DEVICE_HELP_TEXTS = {
    "maker_key": "What the maker's app calls the device, if there is no serial number",
    "label": "A name of your own, such as “ward 3, blue strap”",
}


class DeviceForm(ConcurrentEditForm):
    """The form of a device, which says what identifies it."""

    class Meta:
        help_texts = DEVICE_HELP_TEXTS


class AssignmentForm(ConcurrentEditForm):
    """The form of one assignment, with the number of the patient."""

    patient = forms.ModelChoiceField(
        MedicalRecord.objects.all(),
        label="Patient number",
        widget=forms.TextInput(attrs={"size": 12}),
        error_messages={"invalid_choice": "No record has this number."},
    )

    class Meta:
        widgets = {"worn_from": DayInput(), "worn_until": DayInput()}
        help_texts = {
            "worn_from": "First day with the device",
            "worn_until": "First day without it; empty while worn",
            "rank": "1 is preferred if several are worn",
        }

    def clean_worn_until(self) -> datetime.date | None:
        until: datetime.date | None = self.cleaned_data["worn_until"]
        validate_plausible(until)
        return until


class AssignmentFormSet(ConcurrentEditFormSet):
    """All assignments of a device. They must not overlap: a device never belongs to two patients at once."""

    add_text = "Assign to a patient"

    def clean(self) -> None:
        """Refuse assignments that overlap; each message names the days and the other patient."""
        super().clean()
        seen: list[forms.ModelForm[DeviceAssignment]] = []
        for form in sorted(self._get_complete(), key=lambda form: form.cleaned_data["worn_from"]):
            for earlier in seen:
                if _overlap(earlier.cleaned_data, form.cleaned_data):
                    form.add_error("worn_from", _describe_overlap(earlier.cleaned_data))
            seen.append(form)

    def _get_complete(self) -> Iterator[forms.ModelForm[DeviceAssignment]]:
        for form in self.forms:
            cleaned = getattr(form, "cleaned_data", {})
            if cleaned.get("worn_from") and cleaned.get("patient") and not cleaned.get(DELETION_FIELD_NAME):
                yield form


def _overlap(first: dict[str, Any], second: dict[str, Any]) -> bool:
    last = datetime.date.max
    begins, ends = first["worn_from"], first.get("worn_until") or last
    return bool(begins < (second.get("worn_until") or last) and second["worn_from"] < ends)


def _describe_overlap(other: dict[str, Any]) -> ValidationError:
    until = f"until {date_format(other['worn_until'])}" if other.get("worn_until") else "and still wears it"
    return ValidationError(
        f"Patient {other['patient'].pk} wears this device from {date_format(other['worn_from'])} {until}. End that "
        "assignment first, or choose a later day."
    )


class AssignmentInline(admin.TabularInline[DeviceAssignment, Device]):
    model = DeviceAssignment
    verbose_name = "assignment"
    verbose_name_plural = "assignments"
    form = AssignmentForm
    formset = AssignmentFormSet
    fields = ("patient", "worn_from", "worn_until", "rank")
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeviceAssignment]:
        assignments = super().get_queryset(request).select_related("patient", "device__model")
        return assignments.select_for_update(of=("self",)) if request.method == "POST" else assignments
