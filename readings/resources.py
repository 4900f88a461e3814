"""How devices, and who wore them, are imported and exported."""

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from import_export.fields import Field

from healthtrack.core.date_formats import PLACEHOLDER_YEAR, TOO_FAR
from healthtrack.imports.columns.dates import DateWidget
from healthtrack.imports.columns.number_widgets import WholeNumberWidget
from healthtrack.imports.columns.plan import DuplicateRows, RowRule
from healthtrack.imports.columns.references import ReferenceWidget
from healthtrack.imports.columns.widgets import IdentifierWidget, KeyWidget
from healthtrack.imports.reasons import ConflictReason
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.tables.hooks import UndoneRows
from healthtrack.imports.tables.resources import BulkModelResource
from healthtrack.imports.tables.staging import StagedRows
from readings.devices import overlapping_assignments
from readings.devices.attribution import attribute, find_patients_of_devices
from readings.models import Device, DeviceAssignment, StreamDevice

_MODELS = "SELECT name, model_id FROM tracker_model_names"
_DEVICES = "SELECT lower(serial_number), device_id FROM devices WHERE serial_number <> ''"
_UNKNOWN_PATIENTS = """
    SELECT line, patient_id FROM rows
     WHERE NOT EXISTS (SELECT FROM medical_records AS record WHERE record.patient_id = rows.patient_id) ORDER BY line
"""
# Stored devices, and other rows of the file, that have one of the two names of a row, and another one beside it.
_SAME_NAMES = """
    SELECT DISTINCT ON (own.line) own.line, own.{name}, other.line
      FROM rows AS own
      JOIN (SELECT line, serial_number, maker_key FROM rows
            UNION ALL
            SELECT NULL, serial_number, maker_key FROM devices) AS other
        ON lower(other.{name}) = lower(own.{name}) AND other.line IS DISTINCT FROM own.line
     WHERE own.{name} <> ''
       AND (lower(other.serial_number), lower(other.maker_key)) <> (lower(own.serial_number), lower(own.maker_key))
     ORDER BY own.line, other.line NULLS FIRST
"""
_WRITTEN_DEVICES = """
    SELECT device_id FROM devices JOIN rows
        ON lower(devices.serial_number) = lower(rows.serial_number)
       AND lower(devices.maker_key) = lower(rows.maker_key)
     WHERE outcome IN ('new', 'changed')
"""
_WRITTEN_PATIENTS = "SELECT DISTINCT patient_id FROM rows WHERE outcome IN ('new', 'changed')"
# Lines below a table, and words for a number that nobody knows. Each would become a device.
_NOTE = (
    r"(?i)^(?:(?:grand |sub ?)?totals?|sum|summe|gesamt|insgesamt|somme|totale|suma|tbd|tba|unknown|unbekannt|inconnu"
    r"|desconocido|not known|missing)(?:[ :=][ :=0-9]*)?$|^\*|^\?+$"
)
_NAMES = {"serial_number": ("serial number", "maker's key"), "maker_key": ("maker's key", "serial number")}


class DeviceResource(BulkModelResource):
    model = Field(
        "model",
        "Tracker Model",
        ReferenceWidget(
            _MODELS,
            ["brand_name", "model_name"],
            holds="brand and name of a tracker model, such as Xiaomi Band 2; empty if unknown",
            unknown="The catalogue has no such tracker model. Correct it, add the model first, or leave it empty.",
            ambiguous="Several tracker models have this name. Write the brand before it, or leave it empty and choose"
            " the model on the page of the device.",
        ),
    )
    serial_number = Field("serial_number", "Serial Number", IdentifierWidget())
    maker_key = Field("maker_key", "Maker's Key", IdentifierWidget())
    label = Field("label", "Label", IdentifierWidget())

    duplicate_rows = DuplicateRows.ERROR
    known_as = {
        "model": ["model", "tracker", "device model"],
        "serial_number": ["serial", "serial no", "S/N", "device serial number"],
        "maker_key": ["maker key", "manufacturer key", "vendor key"],
        "label": ["device label", "inventory number"],
    }
    examples = [
        {"model": "Xiaomi Band 2", "serial_number": "EXAMPLE-1001", "maker_key": "", "label": "Ward 3, band 1"},
        {"model": "", "serial_number": "EXAMPLE-1002", "maker_key": "", "label": ""},
    ]

    class Meta:
        model = Device
        fields = ["model", "serial_number", "maker_key", "label"]
        import_order = export_order = fields
        import_id_fields = ["serial_number", "maker_key"]

    def row_rules(self) -> Sequence[RowRule]:
        is_unnamed = (pl.col("serial_number") == "") & (pl.col("maker_key") == "")
        reason = "Looks like a note or a total, and not like the number of a device. Correct it, or delete the row."
        notes = (RowRule(name, pl.col(name).str.contains(_NOTE), reason) for name in _NAMES)
        return [RowRule("serial_number", is_unnamed, "Enter a serial number or the maker's key."), *notes]

    def find_errors(self, rows: StagedRows) -> Iterator[RowError]:
        seen = set()
        for name, (label, other) in _NAMES.items():
            for line, value, other_line in rows.query(_SAME_NAMES.format(name=name)):
                if line not in seen:
                    seen.add(line)
                    place = "a device that is stored" if other_line is None else f"line {other_line} of the file"
                    reason = f"Also the {label} of {place}, with another {other}. Correct one of them."
                    header = self.fields[name].column_name
                    yield RowError(reason, line, header, value, kind=f"Another device has this {label}.")

    def after_write(self, rows: StagedRows, rematched: Sequence[Any]) -> None:
        attribute(find_patients_of_devices([device for (device,) in rows.query(_WRITTEN_DEVICES)]))

    def find_undo_conflicts(self, rows: UndoneRows, *, of_import: bool) -> Mapping[ConflictReason, Collection[Any]]:
        """Return the devices that a person decided readings came from."""
        deleted = rows.get_deleted_keys(Device)
        decided = StreamDevice.objects.filter(device_id__in=deleted, decision=StreamDevice.Decision.PERSON)
        return {ConflictReason.IN_USE: set(decided.values_list("device_id", flat=True))}

    def before_undo(self, rows: UndoneRows) -> None:
        changed = [*rows.get_deleted_keys(Device), *rows.get_restored_keys(Device, "model_id")]
        self.concerned = find_patients_of_devices(changed)

    def after_undo(self, rows: UndoneRows) -> None:
        inserted = [int(key) for (key,) in rows.get_inserted(Device, "device_id")]
        attribute(getattr(self, "concerned", set()) | find_patients_of_devices(inserted))


class DeviceAssignmentResource(BulkModelResource):
    device = Field(
        "device",
        "serial_number",
        ReferenceWidget(
            _DEVICES,
            ["serial_number"],
            holds="the serial number of a device",
            unknown="No device has this serial number. Add the device first, or correct the number.",
        ),
    )
    patient_id = Field("patient", "patient_id", KeyWidget())
    worn_from = Field("worn_from", "worn_from", DateWidget())
    worn_until = Field("worn_until", "worn_until", DateWidget())
    rank = Field("rank", "rank", WholeNumberWidget())

    duplicate_rows = DuplicateRows.ERROR
    patient_column = "patient_id"
    known_as = {
        "device": ["serial", "serial no", "S/N", "device serial number", "device"],
        "patient_id": ["MRN", "patient", "patient number", "patient no", "medical record number", "record number"],
        "worn_from": ["from", "start", "start date", "assigned from", "first day"],
        "worn_until": ["until", "to", "end", "end date", "assigned until"],
        "rank": ["priority", "order"],
    }
    examples = [
        {
            "device": "EXAMPLE-1001",
            "patient_id": "EXAMPLE-1",
            "worn_from": "03/01/2024",
            "worn_until": "05/10/2024",
            "rank": "1",
        },
        {
            "device": "EXAMPLE-1001",
            "patient_id": "EXAMPLE-2",
            "worn_from": "05/10/2024",
            "worn_until": "",
            "rank": "1",
        },
    ]

    class Meta:
        model = DeviceAssignment
        fields = ["device", "patient_id", "worn_from", "worn_until", "rank"]
        import_order = export_order = fields
        import_id_fields = ["device", "patient_id", "worn_from"]

    def row_rules(self) -> Sequence[RowRule]:
        ends_early = pl.col("worn_until") <= pl.col("worn_from")
        early = "Not after the day on which the assignment begins. Enter the first day without the device."
        is_placeholder = pl.col("worn_until").dt.year() >= PLACEHOLDER_YEAR
        never = f"{TOO_FAR} Leave it empty if nobody knows when the assignment ends."
        return [RowRule("worn_until", ends_early, early), RowRule("worn_until", is_placeholder, never)]

    def find_errors(self, rows: StagedRows) -> Iterator[RowError]:
        unknown = dict(rows.query(_UNKNOWN_PATIENTS))
        reason = "No record has this number. Import the record first, or correct the number."
        yield from (RowError(reason, line, "patient_id", number) for line, number in unknown.items())
        yield from self._find_overlaps(rows, unknown)

    def _find_overlaps(self, rows: StagedRows, others: Container[int]) -> Iterator[RowError]:
        for overlap in overlapping_assignments.find_in_file(rows.query):
            if overlap.line not in others:
                kind = "The device is assigned to a patient on some of these days."
                yield RowError(str(overlap), overlap.line, "worn_from", f"{overlap.worn_from}", kind=kind)

    def after_write(self, rows: StagedRows, rematched: Sequence[Any]) -> None:
        attribute([number for (number,) in rows.query(_WRITTEN_PATIENTS)])

    def find_undo_conflicts(self, rows: UndoneRows, *, of_import: bool) -> Mapping[ConflictReason, Collection[Any]]:
        """Return the assignments that would overlap others if they ended again when they did."""
        restored = rows.get_restored_values(DeviceAssignment, "worn_until")
        deleted = rows.get_deleted_keys(DeviceAssignment)
        return {ConflictReason.NO_ROOM: overlapping_assignments.find_restored(restored, deleted)}

    def before_undo(self, rows: UndoneRows) -> None:
        changed = [*rows.get_deleted_keys(DeviceAssignment), *rows.get_restored_keys(DeviceAssignment, "worn_until")]
        self.concerned = set(DeviceAssignment.objects.filter(pk__in=changed).values_list("patient_id", flat=True))

    def after_undo(self, rows: UndoneRows) -> None:
        inserted = {number for (number,) in rows.get_inserted(DeviceAssignment, "patient_id")}
        attribute(getattr(self, "concerned", set()) | inserted)
