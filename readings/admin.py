"""The admin pages of devices and of their assignments."""

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse

from healthtrack.audit.access_recorder import record_patient_access, record_rows
from healthtrack.core.admin import ReadOnlyModelAdmin
from healthtrack.imports.pages.model_admin import ImportableModelAdmin
from readings.devices.assignment_forms import AssignmentInline, DeviceForm
from readings.devices.attribution import attribute, find_patients_of_devices
from readings.models import Device, DeviceAssignment, StreamDevice
from readings.resources import DeviceAssignmentResource, DeviceResource

_CANNOT_BE_DELETED = (
    "cannot be deleted: readings came from it. If it was entered by mistake, first delete its assignments on its page,"
    " and let its sources come from another device or none under Unassigned sources."
)


@admin.register(Device)
class DeviceAdmin(ImportableModelAdmin):
    """Devices, each with the patients who wore it. Whoever changes assignments attributes their readings again."""

    resource_classes = [DeviceResource]
    form = DeviceForm
    list_display = ("name", "model", "label", "worn_by", "worn_since")
    list_filter = ("model__brand_name",)
    list_select_related = ("model",)
    search_fields = ("serial_number", "maker_key", "label", "model__brand_name", "model__model_name")
    search_help_text = "Search by serial number, label, brand or model name, with words in any order."
    fields = ("model", "serial_number", "maker_key", "label")
    autocomplete_fields = ("model",)
    inlines = (AssignmentInline,)
    first_step = "Add a watch or another device here, then assign it to the patient who wears it."

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
        response: HttpResponse = super().changelist_view(request, extra_context)
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
        if {"model", "serial_number"} & set(form.changed_data):
            attribute(find_patients_of_devices([obj.pk]))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        keys = [device.pk for device in objs]
        used = set(StreamDevice.objects.filter(device_id__in=keys).values_list("device_id", flat=True))
        if errors := [f"{device} {_CANNOT_BE_DELETED}" for device in objs if device.pk in used]:
            return [], {}, set(), errors
        return super().get_deleted_objects(objs, request)

    @admin.display(description="device", ordering="serial_number")
    def name(self, device: Device) -> str:
        return device.serial_number or device.maker_key or device.label

    @admin.display(description="worn by")
    def worn_by(self, device: Any) -> str:
        return ", ".join(worn.patient_id for worn in device.open_assignments)

    @admin.display(description="since")
    def worn_since(self, device: Any) -> Any:
        return device.open_assignments[0].worn_from if device.open_assignments else None


@admin.register(DeviceAssignment)
class DeviceAssignmentAdmin(ReadOnlyModelAdmin, ImportableModelAdmin):  # type: ignore[misc]  # both say which model, one untyped
    """The list of all assignments, to import and export them. People change them on the pages of devices."""

    first_step = "Assign a device to a patient on the page of the device, or upload a file with many assignments."
    resource_classes = [DeviceAssignmentResource]
    list_display = ("serial_number", "patient_number", "worn_from", "worn_until", "rank")
    list_filter = ("device__model__brand_name", "worn_from")
    list_select_related = ("device__model",)
    ordering = ("device", "worn_from")
    search_fields = ("device__serial_number", "device__label", "=patient__patient_id")
    search_help_text = "Search by serial number or label of the device, or by patient number."
    fields = ("device", "patient_number", "worn_from", "worn_until", "rank")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if "cl" in context:
            record_patient_access(assignment.patient_id for assignment in context["cl"].result_list)
        return response

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        record_patient_access([context["original"].patient_id])
        return super().render_change_form(request, context, *args, **kwargs)

    def get_export_rows(self, request: HttpRequest, queryset: QuerySet[Any]) -> Iterator[tuple[Any, ...]]:
        record_patient_access(file_rows=queryset.count())
        number = DeviceAssignmentResource.Meta.export_order.index("patient_id")
        return record_rows(request, super().get_export_rows(request, queryset), itemgetter(number))

    @admin.display(description="device", ordering="device__serial_number")
    def serial_number(self, assignment: DeviceAssignment) -> str:
        return str(assignment.device)

    @admin.display(description="patient", ordering="patient")
    def patient_number(self, assignment: DeviceAssignment) -> str:
        return assignment.patient_id
