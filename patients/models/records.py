"""Medical records, and their links to tracker models."""

from datetime import date

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q
from django.db.models.functions import Length, Lower
from django.db.models.lookups import LessThanOrEqual

from healthtrack.audit.triggers import Subject, history, made_by_run
from healthtrack.core.database.constraints import not_blank
from patients.age import completed_years
from patients.expressions import NameWords, Terms
from patients.models import triggers
from trackers.models import TRACKER_MODEL, TrackerModel

# Pages that are not about one patient show the number: a name must not appear there.
PATIENT = Subject("patient_id", stored_in="patient_id", is_named_by_key=True, is_access_logged=True)


class PatientNumber(models.CharField[str, str]):
    """A patient's number, compared byte by byte.

    So the index of the primary key serves look-ups by the first characters too, in every collation of the database.
    The type has the long name because Django creates a second index for these look-ups for "varchar".
    """

    def db_type(self, connection: object) -> str:
        return f"character varying({self.max_length})"


class Gender(models.TextChoices):
    """The administrative gender, as FHIR defines it: unknown means that it applies and nobody knows it."""

    FEMALE = "F", "Female"
    MALE = "M", "Male"
    OTHER = "O", "Other"
    UNKNOWN = "U", "Unknown"


# An index over the terms holds at most 2,704 bytes of each.
MAX_TERM_CHARACTERS = 500
_LONG_TERM = "[^,]{250}[^,]{251}"  # PostgreSQL counts repetitions to 255 only


def _has_short_terms(column: str) -> Q:
    """Return the condition that no term is too long. Most texts are short as a whole, so few need the slow pattern."""
    return Q(LessThanOrEqual(Length(column), MAX_TERM_CHARACTERS)) | ~Q(**{f"{column}__regex": _LONG_TERM})


class MedicalRecord(models.Model):
    """A patient: the person, what is known about their health, and the tracker that they report."""

    patient_id = PatientNumber(
        "patient number",
        primary_key=True,
        max_length=50,
        db_collation="C",
        db_comment="The patient's number; it never changes",
    )
    name = models.CharField(max_length=200, db_comment="The patient's name")
    date_of_birth = models.DateField(db_comment="Date of birth")
    gender = models.CharField(max_length=1, choices=Gender, db_comment="F, M, O (other) or U (unknown)")
    medical_conditions = models.CharField(
        max_length=4000,
        blank=True,
        default="",
        db_default="",
        db_comment="Conditions, comma-separated; empty if none",
    )
    medications = models.BooleanField("takes medication", db_comment="Whether the patient takes any medication")
    allergies = models.CharField(
        max_length=4000,
        blank=True,
        default="",
        db_default="",
        db_comment="Allergies, comma-separated; empty if none",
    )
    last_appointment_date = models.DateField(
        null=True, blank=True, db_comment="Date of the last appointment, null if there was none"
    )
    tracker = models.CharField(
        "reported tracker",
        max_length=300,
        blank=True,
        default="",
        db_default="",
        db_comment="The tracker in the patient's own words; empty if none",
    )
    tracker_models = models.ManyToManyField(
        TrackerModel, through="MedicalRecordTracker", related_name="medical_records"
    )
    link_count = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        editable=False,
        db_comment="Number of tracker models linked to the patient, maintained by triggers",
    )
    unlinked_model_ids = ArrayField(
        models.IntegerField(),
        verbose_name="models unlinked by hand",
        default=list,
        db_default=[],
        editable=False,
        db_comment="Tracker models that staff unlinked; not linked again until the reported tracker changes",
    )
    made_by_run = made_by_run()

    class Meta:
        db_table = "medical_records"
        db_table_comment = "Medical records, one per patient: person, health and reported tracker"
        ordering = ["patient_id"]
        permissions = [
            ("import_medicalrecord", "Can import medical records"),
            ("export_medicalrecord", "Can export medical records"),
            ("merge_medicalrecord", "Can merge medical records"),
            ("bulk_delete_medicalrecord", "Can delete many medical records at once"),
        ]
        constraints = [
            not_blank("medical_records", "patient_id"),
            not_blank("medical_records", "name"),
            CheckConstraint(
                name="medical_records_gender_known",
                condition=Q(gender__in=Gender.values),
                violation_error_message="The gender must be F, M, O or U.",
            ),
            CheckConstraint(
                name="medical_records_conditions_short",
                condition=_has_short_terms("medical_conditions"),
                violation_error_message=f"A condition is longer than {MAX_TERM_CHARACTERS} characters.",
            ),
            CheckConstraint(
                name="medical_records_allergies_short",
                condition=_has_short_terms("allergies"),
                violation_error_message=f"An allergy is longer than {MAX_TERM_CHARACTERS} characters.",
            ),
            CheckConstraint(
                name="medical_records_born_before_appointment",
                condition=Q(last_appointment_date__gte=F("date_of_birth")),
                violation_error_message="The last appointment is before the date of birth.",
            ),
        ]
        indexes = [
            Index("date_of_birth", "gender", name="medical_records_birth"),
            Index(Lower("tracker"), name="medical_records_tracker", condition=~Q(tracker="")),
            Index(
                fields=["patient_id"],
                include=["tracker"],  # shows whether it is unmatched or missing
                name="medical_records_unlinked",
                condition=Q(link_count=0),
            ),
            Index("patient_id", name="medical_records_multilinked", condition=Q(link_count__gt=1)),
            GinIndex(NameWords("name"), name="medical_records_name_words"),
            # It includes the name because PostgreSQL would otherwise read each row to compute lower(name).
            Index(Lower("name"), "date_of_birth", include=["name", "patient_id"], name="medical_records_name_birth"),
            # Lists sort by the number as people count: 1002 comes before 100085.
            Index(Length("patient_id"), "patient_id", name="medical_records_number"),
            Index(F("last_appointment_date").asc(nulls_first=True), "patient_id", name="medical_records_last_seen"),
            GinIndex(
                Terms("medical_conditions"), name="medical_records_conditions", condition=~Q(medical_conditions="")
            ),
            GinIndex(Terms("allergies"), name="medical_records_allergies", condition=~Q(allergies="")),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="made_by_run_never_changes", fields=["made_by_run"]),
            pgtrigger.ReadOnly(name="patient_id_never_changes", fields=["patient_id"]),
            triggers.records_inserted,
            triggers.records_updated,
            triggers.records_deleted,
            triggers.records_truncated,
            *history(PATIENT, internal=["link_count"]),
        ]

    def __str__(self) -> str:
        return f"{self.patient_id} {self.name}"

    def age(self, day: date) -> int:
        """Return the age in completed years on a day."""
        return completed_years(self.date_of_birth, day)


class MedicalRecordTracker(models.Model):
    """A link: a patient uses a tracker model. `source` says whether an import or a person made it."""

    class Source(models.TextChoices):
        IMPORT = "import", "Import"
        STAFF = "staff", "Staff"

    pk = models.CompositePrimaryKey("patient_id", "model_id")
    patient = models.ForeignKey(
        MedicalRecord,
        on_delete=models.CASCADE,
        related_name="tracker_links",
        db_index=False,  # the primary key begins with it
        db_comment="The patient",
    )
    model = models.ForeignKey(
        TrackerModel,
        on_delete=models.PROTECT,
        related_name="patient_links",
        db_comment="The tracker model that the patient uses",
    )
    source = models.CharField(
        max_length=6,
        choices=Source,
        default=Source.STAFF,
        db_default=Source.STAFF,
        db_comment="Who made the link: import (by the reported tracker) or staff (by hand)",
    )
    made_by_run = made_by_run()

    class Meta:
        db_table = "medical_record_and_trackers"
        db_table_comment = "Which patient uses which tracker model"
        verbose_name = "tracker"
        verbose_name_plural = "tracker links"
        constraints = [
            CheckConstraint(
                name="medical_record_and_trackers_source_known",
                condition=Q(source__in=["import", "staff"]),
            )
        ]
        triggers = [
            pgtrigger.ReadOnly(name="made_by_run_never_changes", fields=["made_by_run"]),
            triggers.links_inserted,
            triggers.links_updated,
            triggers.links_deleted,
            triggers.links_truncated,
            *history(PATIENT, TRACKER_MODEL),
        ]

    def __str__(self) -> str:
        return str(self.model)
