"""How medical records are imported and exported."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl
from django.db.models import QuerySet
from import_export.fields import Field

from healthtrack.core.date_formats import PLACEHOLDER_YEAR, TOO_FAR, get_today
from healthtrack.imports.columns.plan import DuplicateRows, RowRule
from healthtrack.imports.columns.widgets import ChoiceWidget, IdentifierWidget, TextWidget
from healthtrack.imports.reasons import ConflictReason
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.row_warnings import RowWarning
from healthtrack.imports.tables.hooks import Effects, UndoneRows
from healthtrack.imports.tables.related import Lookup, RelatedRows
from healthtrack.imports.tables.staging import StagedRows
from patients import follows
from patients.age import MAX_AGE, TOO_LONG_AGO, get_latest_birth_date
from patients.gender_words import GENDER_WORDS, UNSURE_GENDER_WORDS
from patients.import_warnings import get_row_warnings
from patients.linking import links
from patients.models import MAX_TERM_CHARACTERS, FormerNumber, MedicalRecord, MedicalRecordTracker
from trackers.links import LinkCounts
from trackers.resources import LinkingResource

_TOO_LONG = f"is longer than {MAX_TERM_CHARACTERS} characters. Shorten it, or separate its parts with commas."
TRACKER_NAMES = Lookup("tracker_model_names", name="name", key="model_id", group="brand")


class MedicalRecordResource(LinkingResource):
    patient_id = Field("patient_id", "patient_id", IdentifierWidget())
    gender = Field("gender", "gender", ChoiceWidget(GENDER_WORDS, UNSURE_GENDER_WORDS))
    tracker = Field("tracker", "Tracker", TextWidget())

    duplicate_rows = DuplicateRows.ERROR
    patient_column = "patient_id"
    related_rows = RelatedRows(
        "tracker",
        TRACKER_NAMES,
        MedicalRecordTracker,
        owner="patient_id",
        other="model_id",
        values={"source": MedicalRecordTracker.Source.IMPORT},
        count="link_count",
    )
    known_as = {
        "patient_id": [
            *("MRN", "ID", "patient number", "patient no", "medical record number", "record number"),
            *("Patientennummer", "Patienten-Nr", "Pat-Nr", "Patienten-ID", "numéro de patient", "numéro patient"),
            *("número de paciente", "numero paziente", "patiëntnummer"),
        ],
        "name": [
            *("full name", "patient name", "Patientenname", "nom complet", "nom du patient", "nombre completo"),
            *("nombre del paciente", "nome completo", "nome paziente"),
        ],
        "date_of_birth": [
            *("DOB", "birth date", "birthday", "born", "Geburtsdatum", "Geb-Datum", "geboren", "geboren am"),
            *("date de naissance", "fecha de nacimiento", "data di nascita", "data de nascimento", "geboortedatum"),
        ],
        "gender": ["sex", "Geschlecht", "sexe", "genre", "sexo", "sesso", "geslacht"],
        "medical_conditions": [
            *("conditions", "condition", "diagnoses", "diagnosis", "medical condition", "Diagnosen", "Diagnose"),
            *("Erkrankungen", "Vorerkrankungen", "diagnostics", "antécédents", "diagnósticos", "diagnosi"),
        ],
        "medications": [
            *("medication", "takes medication", "Medikamente", "Medikation", "nimmt Medikamente", "médicaments"),
            *("medicamentos", "medicación", "farmaci", "medicatie"),
        ],
        "allergies": ["allergy", "Allergien", "Allergie", "alergias", "alergia", "allergieën"],
        "last_appointment_date": [
            *("last appointment", "last visit", "last visit date", "last seen", "last appt", "letzter Termin"),
            *("letzter Besuch", "dernière visite", "dernier rendez-vous", "última visita", "última cita"),
            *("ultima visita", "laatste afspraak"),
        ],
        "tracker": [
            *("device", "wearable", "fitness tracker", "reported tracker", "Gerät", "Fitnesstracker", "appareil"),
            *("dispositivo", "apparaat"),
        ],
    }
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
        today = pl.lit(get_today())
        born, seen = pl.col("date_of_birth"), pl.col("last_appointment_date")
        earliest = pl.lit(get_latest_birth_date(MAX_AGE, get_today()))
        return [
            RowRule("date_of_birth", (born < earliest) & (born.dt.year() > 0), f"{TOO_LONG_AGO} Correct it."),
            RowRule("date_of_birth", born > today, "Date is in the future. Correct it."),
            RowRule(
                "last_appointment_date", seen.dt.year() >= PLACEHOLDER_YEAR, f"{TOO_FAR} Correct it, or leave it empty."
            ),
            RowRule("last_appointment_date", seen < born, "Date is before the date of birth. Correct one of them."),
            *(
                RowRule(column, _has_long_term(pl.col(column)), f"{what} {_TOO_LONG}")
                for column, what in (("medical_conditions", "A condition"), ("allergies", "An allergy"))
            ),
        ]

    def row_warnings(self) -> Sequence[RowWarning]:
        return get_row_warnings(column.name for column in self.plan.values)

    def count_effects(self, rows: StagedRows) -> Effects:
        linked, unmatched, ambiguous = rows.count_matches(self.related_rows)
        return LinkCounts(linked, unmatched, ambiguous).as_effects()

    def find_errors(self, rows: StagedRows) -> Iterator[RowError]:
        """Yield the rows whose date of birth is after the last appointment, which may come from the stored record."""
        unborn = rows.query("SELECT line, date_of_birth FROM rows WHERE last_appointment_date < date_of_birth")
        reason = "The last appointment in the record is before this date of birth. Correct one of them."
        for line, born in unborn:
            yield RowError(reason, line, "date_of_birth", str(born))

    def before_write(self) -> None:
        links.wait_for_models()

    def after_write(self, rows: StagedRows, rematched: Sequence[Any]) -> None:
        if rematched:
            links.relink(rematched)

    def find_undo_conflicts(self, rows: UndoneRows, *, of_import: bool) -> Mapping[ConflictReason, Collection[Any]]:
        """Return the patients about whom other parts have data, and those that cannot be merged again as they were."""
        if of_import:
            return {ConflictReason.HAS_DATA: follows.find_conflicts(partial(rows.get_deleted_keys, MedicalRecord))}
        left = rows.get_left_keys(MedicalRecord)
        merged = rows.get_inserted(FormerNumber, "number", "patient_id")
        return {ConflictReason.CHANGED_SINCE: {number for pair in merged for number in pair if set(pair) & {*left}}}

    def before_undo(self, rows: UndoneRows) -> None:
        merged = dict(rows.get_inserted(FormerNumber, "number", "patient_id"))

        def find(owners: QuerySet[Any] | None) -> list[str]:
            return [number for number in rows.get_deleted_keys(MedicalRecord, owners) if number not in merged]

        if merged:  # at most one of them is deleted: an undo applies one merge again
            for source in merged.keys() & set(rows.get_deleted_keys(MedicalRecord)):
                follows.merge(source, merged[source], by_undo=True)
        follows.delete_by_undo(find)

    def after_undo(self, rows: UndoneRows) -> None:
        if inserted := [number for (number,) in rows.get_inserted(MedicalRecord, "patient_id")]:
            follows.restore(inserted)
        if changed := rows.get_restored_keys(MedicalRecord, "tracker"):
            links.update_import_links(changed)


def _has_long_term(text: pl.Expr) -> pl.Expr:
    """Return whether a term of a comma-separated text is too long. Few texts are long enough to be split."""
    long_text = pl.when(text.str.len_chars() > MAX_TERM_CHARACTERS).then(text)
    return long_text.str.split(",").list.eval(pl.element().str.len_chars()).list.max() > MAX_TERM_CHARACTERS
