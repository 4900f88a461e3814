"""The links to tracker models on the page of a medical record."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest

from healthtrack.core.forms.composite_keys import CompositeKeyFormSet
from healthtrack.core.forms.widgets import AutocompleteByNumber, hide_related_buttons
from patients.linking import links
from patients.models import MedicalRecord, MedicalRecordTracker


class TrackerLinkForm(forms.ModelForm[MedicalRecordTracker]):
    def validate_unique(self) -> None:
        """Leave this check to the formset, which knows the links that the same form deletes."""


class TrackerLinkFormSet(CompositeKeyFormSet):
    add_text = "Link a tracker"
    deletion_label = "Remove"

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if DELETION_FIELD_NAME in form.fields:
            form.fields[DELETION_FIELD_NAME].label = self.deletion_label

    def clean(self) -> None:
        super().clean()
        linked = {
            form.instance.model_id for form in self.initial_forms if not form.cleaned_data.get(DELETION_FIELD_NAME)
        }
        chosen = set()
        for form in self.extra_forms:
            model = form.cleaned_data.get("model")
            if model is None:
                continue
            if model.pk in chosen:
                form.add_error("model", f"{model} is selected twice. Select it once.")
            elif model.pk in linked and not self._reported_tracker_changes():
                form.add_error("model", f"{model} is already linked to this patient.")
            chosen.add(model.pk)

    def validate_unique(self) -> None:
        """Leave this check to clean(), whose messages name the model."""

    def save(self, commit: bool = True) -> list[MedicalRecordTracker]:
        # If relinking has just created the same link as an import's, saving turns it into one by staff.
        links = super().save(commit)
        self._store_unlinked_models(
            removed={link.model_id for link in self.deleted_objects},
            added={link.model_id for link in self.new_objects},
        )
        return links

    def _store_unlinked_models(self, removed: set[int], added: set[int]) -> None:
        """Note the removed models at the record, so that no import links them again."""
        if not removed | added:
            return
        record = MedicalRecord.objects.select_for_update(no_key=True).get(pk=self.instance.pk)
        unlinked = sorted((set(record.unlinked_model_ids) | removed) - added)
        if unlinked != record.unlinked_model_ids:
            MedicalRecord.objects.filter(pk=record.pk).update(unlinked_model_ids=unlinked)

    def _reported_tracker_changes(self) -> bool:
        """Return whether the same form changes what the reported tracker means, which replaces all links."""
        stored = MedicalRecord.objects.filter(pk=self.instance.pk).values_list("tracker", flat=True).first()
        return stored is None or links.means_another_tracker(stored, self.instance.tracker)


class TrackerLinkInline(AutocompleteByNumber, admin.TabularInline[MedicalRecordTracker, MedicalRecord]):
    """A patient's links. People who may change the record may add and remove links.

    Nobody can change a link, because its columns are its key. So Django shows existing links as plain text.
    """

    model = MedicalRecordTracker
    form = TrackerLinkForm
    formset = TrackerLinkFormSet
    verbose_name = "tracker model"
    verbose_name_plural = "linked tracker models"
    fields = ("model", "source")
    readonly_fields = ("source",)
    autocomplete_fields = ("model",)
    ordering = ("model__brand_name", "model__model_name", "model__pk")
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[MedicalRecordTracker]:
        return super().get_queryset(request).select_related("model")

    def get_formset(self, *args: Any, **kwargs: Any) -> Any:
        formset = super().get_formset(*args, **kwargs)
        hide_related_buttons(formset.form.base_fields["model"].widget)
        return formset

    def has_view_permission(self, request: HttpRequest, obj: MedicalRecord | None = None) -> bool:
        return self._records.has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: MedicalRecord | None = None) -> bool:
        # The field lists tracker models, so the person must be allowed to see those.
        if not request.user.has_perm("trackers.view_trackermodel"):
            return False
        if obj is None:
            return self._records.has_add_permission(request)
        return self._records.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: MedicalRecord | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: MedicalRecord | None = None) -> bool:
        return self._records.has_change_permission(request, obj)

    @property
    def _records(self) -> ModelAdmin[MedicalRecord]:
        return self.admin_site.get_model_admin(MedicalRecord)
