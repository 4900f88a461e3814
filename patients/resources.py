from collections.abc import Sequence

import polars as pl
from django.utils import timezone
from import_export.fields import Field

from healthtrack.imports.plan import RepeatedRows, RowRule
from healthtrack.imports.progress import Progress
from healthtrack.imports.resources import SetResource
from healthtrack.imports.results import LinkCounts
from healthtrack.imports.staging import StagedRows
from healthtrack.imports.undo.engine import Undo
from healthtrack.imports.widgets import ChoiceWidget, TextWidget
from patients import linking
from patients.models import MedicalRecord
from trackers.names import describe


class MedicalRecordResource(SetResource):
    gender = Field("gender", "gender", ChoiceWidget())
    tracker = Field("tracker", "Tracker", TextWidget())

    repeated_rows = RepeatedRows.FAULT
    names_patients = True
    examples = [
        {
            "patient_id": "EXAMPLE-1",
            "name": "Example Patient",
            "date_of_birth": "05/17/1980",
            "gender": "F",
            "medical_conditions": "Asthma, Hypertension",
            "medications": "Yes",
            "allergies": "Pollen",
            "last_appointment_date": "06/14/2024",
            "tracker": "Xiaomi Band 2",
        },
        {
            "patient_id": "EXAMPLE-2",
            "name": "Another Example",
            "date_of_birth": "1975-11-30",
            "gender": "M",
            "medical_conditions": "None",
            "medications": "No",
            "allergies": "None",
            "last_appointment_date": "",
            "tracker": "None",
        },
    ]

    class Meta:
        model = MedicalRecord
        fields = [
            "patient_id",
            "name",
            "date_of_birth",
            "gender",
            "medical_conditions",
            "medications",
            "allergies",
            "last_appointment_date",
            "tracker",
        ]
        import_order = export_order = fields
        import_id_fields = ["patient_id"]

    def row_rules(self) -> Sequence[RowRule]:
        today = pl.lit(timezone.localdate())
        born, seen = pl.col("date_of_birth"), pl.col("last_appointment_date")
        return [
            RowRule("date_of_birth", born > today, "lies after today; correct it"),
            RowRule("last_appointment_date", seen < born, "lies before the date of birth; correct one of them"),
        ]

    def describe(self, links: LinkCounts) -> str:
        return describe(links)

    def preview(self, rows: StagedRows) -> LinkCounts:
        return linking.count_staged(rows.cursor)

    def apply(self, rows: StagedRows, progress: Progress) -> LinkCounts:
        counts = linking.count_staged(rows.cursor)
        restated = linking.staged_with_other_tracker(rows.cursor)
        linking.wait_for_models()
        for number, step in enumerate(rows.steps("new")):
            # Links go in before their patients, whose numbers of links are then right from the start; the foreign key
            # waits for the patients.
            linking.link_new_staged(rows.cursor, step)
            inserted = rows.insert_new(
                step, {"link_count": "coalesce(named.links, 0)"}, joins=linking.STAGED_LINK_COUNTS
            )
            if number == 0:
                rows.take_stock()
            rows.check_foreign_keys()
            progress.advance(inserted)
        for step in rows.steps("changed"):
            progress.advance(rows.update_changed(step))
        if restated:
            linking.relink(restated)
        return counts

    def after_undo(self, undo: Undo) -> None:
        linking.follow_names(undo.came_back(MedicalRecord, "tracker"))
