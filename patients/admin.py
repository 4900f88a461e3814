"""The admin pages of medical records: list, form, history, export, and the access log of each."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from http import HTTPStatus
from operator import itemgetter
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator

from healthtrack.audit.access_recorder import record_patient_access, record_rows
from healthtrack.core import search_terms
from healthtrack.core.cleaning import SHORTENED_NUMBER, SHORTENED_REASON, clean_key
from healthtrack.core.date_formats import get_today, validate_plausible
from healthtrack.core.forms.concurrent_edits import ConcurrentEditForm
from healthtrack.core.forms.widgets import TagInput
from healthtrack.core.lists.changelist import yes_or_no
from healthtrack.core.text import quote
from healthtrack.imports.pages.model_admin import ImportableModelAdmin
from patients import follows
from patients.age import MAX_AGE, TOO_LONG_AGO, get_latest_birth_date
from patients.edits.bulk_admin import BulkAdmin
from patients.edits.duplicates import find_possible_duplicates
from patients.edits.merge_admin import MergingAdmin
from patients.fhir.admin import FhirAdmin
from patients.filters.addresses import redirect_former_address
from patients.filters.records import RecordFilter, get_filter_names
from patients.linking import links
from patients.linking.inlines import TrackerLinkInline
from patients.models import FormerNumber, MedicalRecord
from patients.record_list.changelist import (
    COLUMNS_BY_NUMBER,
    INDEXED_COLUMNS,
    SORTED_IN_SHORT_LISTS,
    RecordList,
    list_errors,
)
from patients.resources import MedicalRecordResource
from patients.search.records import search_records
from patients.summary import Summary
from patients.terms import list_allergies, list_conditions
from trackers.models import TrackerModel

SHOWN_CHARACTERS = 60
CONFIRM_NEW = "is_another_person"  # the name of the checkbox


class MedicalRecordForm(ConcurrentEditForm):
    """The form of a record. `duplicates` are the records that may belong to the same person as a new one."""

    may_see_duplicates = True
    duplicates: Sequence[MedicalRecord] = ()

    class Meta:
        widgets = {
            "name": AdminTextInputWidget(attrs={"class": "vLargeTextField"}),
            "medical_conditions": TagInput(list_conditions),
            "allergies": TagInput(list_allergies),
            "tracker": AdminTextInputWidget(attrs={"class": "vLargeTextField"}),
        }
        help_texts = {
            "medical_conditions": "Separate with commas. Leave empty if none.",
            "allergies": "Separate with commas. Leave empty if none.",
            "tracker": "The tracker as the patient describes it. Another tracker replaces the links.",
        }

    def clean_date_of_birth(self) -> date:
        born: date = self.cleaned_data["date_of_birth"]
        today = get_today()
        if born > today:
            raise ValidationError("The date of birth is in the future.")
        if born < (get_latest_birth_date(MAX_AGE, today) or date.min):
            raise ValidationError(TOO_LONG_AGO)
        return born

    def clean_last_appointment_date(self) -> date | None:
        seen: date | None = self.cleaned_data["last_appointment_date"]
        validate_plausible(seen)
        return seen

    def clean_patient_id(self) -> str:
        number = clean_key(self.cleaned_data["patient_id"])
        if re.search(SHORTENED_NUMBER, number):
            raise ValidationError(f"{SHORTENED_REASON} Enter all of its digits.")
        if former := FormerNumber.objects.filter(number=number).first():
            raise ValidationError(f"{number} was merged into {former.patient_id}. Change that record instead.")
        return number

    def clean(self) -> dict[str, Any]:
        """Refuse once to add a record that may be a duplicate, until the person says that it is another person."""
        cleaned = super().clean()
        is_new = self.instance._state.adding and CONFIRM_NEW not in self.data
        if is_new and self.may_see_duplicates and {"name", "date_of_birth"} <= cleaned.keys():
            self.duplicates = list(find_possible_duplicates(cleaned["name"], cleaned["date_of_birth"]))
            record_patient_access([record.pk for record in self.duplicates])
            if self.duplicates:
                raise ValidationError("This may be a duplicate: see the records above.")
        return cleaned


def reported_tracker_changed(form: forms.ModelForm[MedicalRecord]) -> bool:
    """Return whether the form changes the reported tracker to something that means another tracker."""
    return "tracker" in form.changed_data and links.means_another_tracker(
        str(form.initial["tracker"]), form.instance.tracker
    )


def _shorten(text: str) -> str:
    shown = Truncator(text).chars(SHOWN_CHARACTERS)
    return shown if shown == text else format_html('<span title="{}">{}</span>', text, shown)


def _describe_links(record: MedicalRecord) -> str:
    """Return what the reported tracker of the record links it to now."""
    models = TrackerModel.objects.filter(medical_records=record)
    if models:
        return f"Linked trackers: {', '.join(map(str, models))}."
    if record.tracker:
        return f"No tracker is linked, because {quote(record.tracker)} matches no tracker model."
    return "No tracker is linked."


def _record_access(object_id: str, response: HttpResponse) -> HttpResponse:
    """Record that the person saw this patient, if the page was shown at all. Return the response."""
    record_patient_access([unquote(object_id)] if response.status_code == HTTPStatus.OK else [])
    return response


@admin.register(MedicalRecord)
class MedicalRecordAdmin(FhirAdmin, MergingAdmin, BulkAdmin, ImportableModelAdmin):  # type: ignore[misc]  # both say which model, one untyped
    resource_classes = [MedicalRecordResource]
    form = MedicalRecordForm
    list_display = (
        "patient_id",
        "full_name",
        "date_of_birth",
        "age",
        "gender",
        "conditions",
        "takes_medication",
        "tracker",
        "linked_trackers",
        "last_appointment",
    )
    list_display_links = ("patient_id", "full_name")
    extra_columns = ("known_allergies",)
    sortable_by = (*INDEXED_COLUMNS, *SORTED_IN_SHORT_LISTS)
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    search_fields = ("name",)
    search_help_text = "Search by patient number, name or date of birth. You can type just the beginning."
    inlines = (TrackerLinkInline,)
    change_list_template = "patients/record-list.html"  # type: ignore[misc]  # set by django-import-export otherwise

    def get_fieldsets(self, request: HttpRequest, obj: MedicalRecord | None = None) -> Any:
        medications = "medications" if self._may_edit(request, obj) else "takes_medication"
        health = ("medical_conditions", "allergies", medications, "last_appointment_date")
        return (
            ("Person", {"fields": ("patient_id", "name", "date_of_birth", "gender")}),
            ("Health", {"fields": health}),
            ("Tracker", {"fields": ("tracker",)}),
        )

    def _may_edit(self, request: HttpRequest, obj: MedicalRecord | None) -> bool:
        return obj is None or self.has_change_permission(request, obj)

    def get_form(self, request: HttpRequest, obj: MedicalRecord | None = None, *args: Any, **kwargs: Any) -> Any:
        if not self._may_edit(request, obj):
            kwargs["help_texts"] = {}  # they say what to enter
        form: Any = super().get_form(request, obj, *args, **kwargs)
        form.may_see_duplicates = self.has_view_permission(request)
        return form

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        record = context["original"]
        if record:
            context["summary"] = Summary(record, request.user)
            context["duplicates"] = self.get_duplicates(request, record)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: MedicalRecord | None = None) -> tuple[str, ...]:
        return ("patient_id",) if obj else ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RecordList]:
        return RecordList

    def get_numbered_columns(self, request: HttpRequest) -> Sequence[Any]:
        return COLUMNS_BY_NUMBER

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("tracker_models")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        redirection = redirect_former_address(request) or search_terms.redirect_to_search_token(request)
        return redirection or super().changelist_view(request, extra_context)

    def export_action(self, request: HttpRequest) -> HttpResponseBase:
        if redirection := search_terms.redirect_to_search_token(request):
            return redirection
        if list_errors(request, RecordFilter(request.GET)):
            # The list shows these errors; a file cannot.
            return redirect(f"{reverse('admin:patients_medicalrecord_changelist')}?{request.GET.urlencode()}")
        return super().export_action(request)

    def describe_filters(self, request: HttpRequest) -> Iterator[tuple[str, str]]:
        for active in RecordFilter(request.GET).active_filters:
            yield active.label, active.value
        if query := search_terms.get_query(request):
            yield "Search", query

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return search_records(search_term, queryset), False

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Return none for autocomplete: no form has a field for a patient, and names must not leak through one."""
        match = request.resolver_match
        return () if match and match.url_name == "autocomplete" else self.search_fields

    def lock_row(self, request: HttpRequest, object_id: str) -> None:
        if request.POST.get("tracker") != request.POST.get("initial-tracker"):
            links.wait_for_models()
        super().lock_row(request, object_id)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return _record_access(object_id, super().change_view(request, object_id, *args, **kwargs))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        record_patient_access(record.pk for record in objs)
        # What follows a patient needs no permission of its own: its parts delete it, and restore it with the record.
        rows, counts, _, protected = super().get_deleted_objects(objs, request)
        return (
            [*rows, *(f"{label} of the patient, if any" for label in follows.list_labels())],
            counts,
            set(),
            protected,
        )

    def delete_model(self, request: HttpRequest, obj: MedicalRecord) -> None:
        follows.delete([obj.pk])
        super().delete_model(request, obj)

    def history_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return _record_access(object_id, super().history_view(request, object_id, *args, **kwargs))

    def get_export_rows(self, request: HttpRequest, queryset: QuerySet[Any]) -> Iterator[tuple[Any, ...]]:
        record_patient_access(file_rows=queryset.count(), filters=get_filter_names(request))
        number = MedicalRecordResource.Meta.export_order.index("patient_id")
        return record_rows(request, super().get_export_rows(request, queryset), itemgetter(number))

    @admin.display(description="name", ordering=Lower("name"))
    def full_name(self, record: MedicalRecord) -> str:
        return record.name

    @admin.display(ordering=F("last_appointment_date").asc(nulls_first=True))
    def last_appointment(self, record: MedicalRecord) -> date | None:
        return record.last_appointment_date

    @admin.display(ordering="-date_of_birth")
    def age(self, record: MedicalRecord) -> int:
        return record.age(get_today())

    takes_medication = yes_or_no("medications", description="medication")

    @admin.display(ordering=Lower("medical_conditions"))
    def conditions(self, record: MedicalRecord) -> str:
        return _shorten(record.medical_conditions)

    @admin.display(description="allergies", ordering=Lower("allergies"))
    def known_allergies(self, record: MedicalRecord) -> str:
        return _shorten(record.allergies)

    @admin.display
    def linked_trackers(self, record: MedicalRecord) -> str:
        return ", ".join(map(str, record.tracker_models.all()))

    def save_model(self, request: HttpRequest, obj: MedicalRecord, form: forms.ModelForm[Any], change: bool) -> None:
        needs_links = not change or reported_tracker_changed(form)
        if needs_links:
            links.wait_for_models()
        if change:
            # Leave the fields that this person did not change: somebody else may have changed them meanwhile.
            obj.save(update_fields=form.changed_data)
        else:
            # If somebody else has just added this number, fail rather than overwrite their record.
            obj.save(force_insert=True)
        if needs_links:
            links.relink([obj.pk])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if "tracker" in form.changed_data and (not change or reported_tracker_changed(form)):
            self.message_user(request, _describe_links(form.instance))
