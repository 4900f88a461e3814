from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest

from healthtrack.core.composite_keys import CompositeKeyFormSet
from healthtrack.core.widgets import AutocompleteByNumber
from patients.models import MedicalRecord, MedicalRecordTracker


class TrackerLinkForm(forms.ModelForm[MedicalRecordTracker]):
    def validate_unique(self) -> None:
        """Left to the formset, which knows the links that the same form deletes."""


class TrackerLinkFormSet(CompositeKeyFormSet):
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
                form.add_error("model", f"{model} is chosen twice; once is enough.")
            elif model.pk in linked and not self._is_restated():
                form.add_error("model", f"{model} is linked to this patient already.")
            chosen.add(model.pk)

    def validate_unique(self) -> None:
        """Done by clean(), in words that name the model."""

    def save(self, commit: bool = True) -> list[MedicalRecordTracker]:
        # Saving a new row updates the one of its key where there is one: so a link that relinking has just
        # made by import becomes the staff's.
        links = super().save(commit)
        self._remember_unlinked(
            removed={link.model_id for link in self.deleted_objects},
            added={link.model_id for link in self.new_objects},
        )
        return links

    def _remember_unlinked(self, removed: set[int], added: set[int]) -> None:
        if not removed | added:
            return
        record = MedicalRecord.objects.select_for_update(no_key=True).get(pk=self.instance.pk)
        unlinked = sorted((set(record.unlinked_model_ids) | removed) - added)
        if unlinked != record.unlinked_model_ids:
            MedicalRecord.objects.filter(pk=record.pk).update(unlinked_model_ids=unlinked)

    def _is_restated(self) -> bool:
        """Whether the same form changes the stated tracker, upon which all links are made anew."""
        return not MedicalRecord.objects.filter(pk=self.instance.pk, tracker__iexact=self.instance.tracker).exists()


class TrackerLinkInline(AutocompleteByNumber, admin.TabularInline[MedicalRecordTracker, MedicalRecord]):
    """A patient's links, for whoever may change the record to make and to delete.

    None is ever changed, as it is its own key: so Django shows those that stand as plain text.
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
        # Whoever would remove a link must not meet a button beside it that deletes the tracker model.
        choice: Any = formset.form.base_fields["model"].widget
        choice.can_add_related = choice.can_change_related = choice.can_delete_related = False
        return formset

    def has_view_permission(self, request: HttpRequest, obj: MedicalRecord | None = None) -> bool:
        return self._records.has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: MedicalRecord | None = None) -> bool:
        # The models to choose from are shown to whom may see them.
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
