from django.apps import AppConfig

from healthtrack.audit.registry import register_page_names
from healthtrack.core import attention, navigation
from healthtrack.core.help import register_help
from healthtrack.core.replicas import routing as replicas
from patients import summary_parts
from patients.fhir import export_parts
from patients.summary_parts import SummaryPart
from readings.help import HELP
from readings.navigation import entries

PAGE_NAMES = {
    "admin:readings_device_changelist": "Viewed the list of devices",
    "admin:readings_device_change": "Opened the page of a device",
    "admin:readings_device_add": "Added a device",
    "admin:readings_device_delete": "Opened the page to delete a device",
    "admin:readings_device_history": "Viewed the history of a device",
    "admin:readings_device_restore": "Opened the page to restore a device",
    "unassigned-sources:list": "Viewed the sources of readings without a device",
    "unassigned-sources:decide": "Viewed a source of readings, or decided about its device",
    "admin:readings_deviceassignment_changelist": "Viewed the list of device assignments",
    "admin:readings_deviceassignment_change": "Opened the page of a device assignment",
    "admin:readings_deviceassignment_history": "Viewed the history of a device assignment",
    "admin:readings_deviceassignment_restore": "Opened the page to restore a device assignment",
    "admin:readings_deviceassignment_export": "Exported device assignments",
    "readings:patients": "Viewed the list of patients with readings",
    "readings:patient": "Viewed readings",
    "readings:file": "Downloaded readings",
    "readings:exclude": "Excluded readings from statistics",
    "readings:count-again": "Let excluded readings count again",
    "readings:consent": "Recorded a consent to readings",
    "readings:upload": "Opened the page to upload readings of a patient",
}
# Lists, charts and files. Pages on which people decide or write read from the primary.
PAGES_OF_REPLICAS = (
    "readings:patients",
    "readings:patient",
    "readings:file",
    "unassigned-sources:list",
    "admin:readings_device_changelist",
    "admin:readings_deviceassignment_changelist",
)


class ReadingsConfig(AppConfig):
    name = "readings"
    verbose_name = "Readings"

    def ready(self) -> None:
        attention.register("readings.attention.SOURCES")
        navigation.register(entries)
        register_page_names(lambda: PAGE_NAMES)
        register_help(*HELP)
        replicas.register("readings", lambda: PAGES_OF_REPLICAS)
        from healthtrack.imports import registry  # noqa: PLC0415  (models are only ready here)
        from patients import follows  # noqa: PLC0415  (models are only ready here)
        from readings.devices.renamed_models import (  # noqa: PLC0415  (models are only ready here)
            attribute_readings_of_models,
            attribute_readings_of_names,
        )
        from readings.parts import AssignmentsAndConsents, Readings  # noqa: PLC0415  (models are only ready here)
        from trackers import model_hooks  # noqa: PLC0415  (models are only ready here)

        record_view = "readings.pages.record_part.get_record_view"
        summary_parts.register(SummaryPart("Readings", "readings/record-summary.html", record_view))
        follows.register(AssignmentsAndConsents())
        follows.register(Readings())
        model_hooks.register_observer(
            model_hooks.ModelObserver(attribute_readings_of_models, attribute_readings_of_names)
        )
        export_parts.register(export_parts.ExportPart("readings.view_device", "readings.fhir.devices.make_devices"))
        observations = "readings.fhir.observations.make_observations"
        export_parts.register(export_parts.ExportPart("readings.view_readingday", observations, is_on_request=True))
        registry.register("readings.device", "readings.importers.devices")
        registry.register("readings.deviceassignment", "readings.importers.device_assignments")
        registry.register("readings.reading", "readings.importing.importer.readings")
