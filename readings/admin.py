"""The admin pages of devices."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse

from healthtrack.accounts.list_admin import PersonalListAdmin
from healthtrack.audit.access_recorder import record_patient_access
from healthtrack.audit.admin_history import HistoryAdmin
from healthtrack.core.concurrent_edits import ConcurrentEditForm
from healthtrack.core.widgets import hide_related_buttons
from readings.assignment_forms import AssignmentInline
from readings.attribution import attribute
from readings.models import Device, DeviceAssignment


@admin.register(Device)
class DeviceAdmin(HistoryAdmin, PersonalListAdmin):
    """Devices, each with the patients who wore it. Whoever changes assignments attributes their readings again."""

    form = ConcurrentEditForm
    list_display = ("name", "model", "label", "worn_by", "worn_since")
    list_filter = ("model__brand_name",)
    list_select_related = ("model",)
    search_fields = ("serial_number", "maker_key", "label", "model__brand_name", "model__model_name")
    search_help_text = "Search by serial number, label, brand or model name, with words in any order."
    fields = ("model", "serial_number", "maker_key", "label")
    autocomplete_fields = ("model",)
    inlines = (AssignmentInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        open_assignments = DeviceAssignment.objects.filter(worn_until=None)
        return (
            super()
            .get_queryset(request)
            .prefetch_related(Prefetch("assignments", open_assignments, to_attr="open_assignments"))
        )

    def get_standard_columns(self, request: HttpRequest) -> tuple[Any, ...]:
        columns = tuple(super().get_standard_columns(request))
        if request.user.has_perm("readings.view_deviceassignment"):
            return columns
        return tuple(column for column in columns if column not in {"worn_by", "worn_since"})

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if "cl" in context and request.user.has_perm("readings.view_deviceassignment"):
            devices = context["cl"].result_list
            record_patient_access(worn.patient_id for device in devices for worn in device.open_assignments)
        return response

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if context["original"] and request.user.has_perm("readings.view_deviceassignment"):
            record_patient_access(context["original"].assignments.values_list("patient_id", flat=True))
        return super().render_change_form(request, context, *args, **kwargs)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        device = form.instance
        before = set(device.assignments.values_list("patient_id", flat=True))
        for assignment in formset.save(commit=False):
            if assignment.entered_by_id is None:
                assignment.entered_by_id = request.user.pk
        formset.save()
        attribute(before | set(device.assignments.values_list("patient_id", flat=True)))

    def save_model(self, request: HttpRequest, obj: Device, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and {"model", "serial_number"} & set(form.changed_data):
            attribute(obj.assignments.values_list("patient_id", flat=True))

    def formfield_for_dbfield(self, *args: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(*args, **kwargs)
        if field:
            hide_related_buttons(field.widget)
            field.widget.can_view_related = False
        return field

    @admin.display(description="device", ordering="serial_number")
    def name(self, device: Device) -> str:
        return device.serial_number or device.maker_key or device.label

    @admin.display(description="worn by")
    def worn_by(self, device: Any) -> str:
        return ", ".join(worn.patient_id for worn in device.open_assignments)

    @admin.display(description="since")
    def worn_since(self, device: Any) -> Any:
        return device.open_assignments[0].worn_from if device.open_assignments else None
