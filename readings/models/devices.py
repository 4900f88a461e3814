"""Metrics, physical devices, who wore them, and whether a patient's readings may be stored."""

from collections.abc import Collection

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import BigIntegerRangeField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, F, Func, Q, UniqueConstraint, Value
from django.db.models.functions import Lower, Now
from django.utils.formats import date_format

from healthtrack.audit.triggers import history, made_by_run
from healthtrack.core.database.constraints import not_blank
from patients.models import PATIENT, MedicalRecord
from trackers.models import TRACKER_MODEL, TrackerModel


class Metric(models.Model):
    """What is measured, such as heart rate. Migrations add them: a metric needs units that the program can convert."""

    class Kind(models.TextChoices):
        INSTANT = "instant", "A value at an instant"
        INTERVAL = "interval", "An amount in an interval, which can be added up"
        DAILY = "daily", "One value for a day"

    metric_id = models.AutoField(primary_key=True, db_comment="Number of the metric")
    code = models.CharField(max_length=40, db_comment="Code in files, such as heart_rate; it never changes")
    label = models.CharField(max_length=60, db_comment="Name for people, such as Heart rate")
    loinc = models.CharField(
        "LOINC", max_length=10, blank=True, default="", db_default="", db_comment="LOINC code; empty if there is none"
    )
    unit = models.CharField(max_length=20, db_comment="UCUM unit in which reports and charts show it, such as /min")
    kind = models.CharField(
        max_length=8,
        choices=Kind,
        db_comment="instant: a value at an instant; interval: an amount in an interval; daily: one value for a day",
    )
    decimal_places = models.PositiveSmallIntegerField(db_comment="Decimal places that pages show")
    lowest = models.DecimalField(
        max_digits=12, decimal_places=3, db_comment="Lowest plausible value, in the metric's unit"
    )
    highest = models.DecimalField(
        max_digits=12, decimal_places=3, db_comment="Highest plausible value, in the metric's unit"
    )
    target_low = models.DecimalField(
        max_digits=12,
        decimal_places=3,
        null=True,
        blank=True,
        db_comment="Lower end of the target range; null where there is no consensus",
    )
    target_high = models.DecimalField(
        max_digits=12,
        decimal_places=3,
        null=True,
        blank=True,
        db_comment="Upper end of the target range; null where there is no consensus",
    )
    range_limits = ArrayField(
        models.DecimalField(max_digits=12, decimal_places=3),
        default=list,
        blank=True,
        db_default=[],
        db_comment="Ascending limits between the ranges whose time is added up for each day; empty if there are none",
    )

    class Meta:
        db_table = "metrics"
        db_table_comment = "What devices measure, such as heart rate, with codes, unit and plausible range"
        ordering = ["label"]
        default_permissions = ("view",)
        constraints = [
            not_blank("metrics", "code"),
            not_blank("metrics", "label"),
            not_blank("metrics", "unit"),
            UniqueConstraint(
                fields=["code"], name="metrics_code", violation_error_message="Another metric has this code."
            ),
            UniqueConstraint(
                fields=["loinc"],
                name="metrics_loinc",
                condition=~Q(loinc=""),
                violation_error_message="Another metric has this LOINC code.",
            ),
            CheckConstraint(name="metrics_kind_known", condition=Q(kind__in=["instant", "interval", "daily"])),
            CheckConstraint(name="metrics_plausible_range", condition=Q(lowest__lt=F("highest"))),
            CheckConstraint(
                name="metrics_target_range",
                condition=Q(target_low=None, target_high=None) | Q(target_low__lt=F("target_high")),
            ),
        ]
        triggers = [pgtrigger.ReadOnly(name="code_never_changes", fields=["code"]), *history()]

    def __str__(self) -> str:
        return self.label


class Device(models.Model):
    """One physical device, such as a watch with a serial number."""

    device_id = models.AutoField(primary_key=True, db_comment="Number of the device")
    model = models.ForeignKey(
        TrackerModel,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="devices",
        verbose_name="tracker model",
        db_comment="The tracker model; null while it is unknown",
    )
    serial_number = models.CharField(
        max_length=100, blank=True, default="", db_default="", db_comment="Serial number; empty if unknown"
    )
    maker_key = models.CharField(
        "maker's key",
        max_length=100,
        blank=True,
        default="",
        db_default="",
        db_comment="What the maker's files call the device instead of a serial number; empty if nothing",
    )
    label = models.CharField(
        max_length=100, blank=True, default="", db_default="", db_comment="Name that staff gave it; empty if none"
    )
    made_by_run = made_by_run()

    class Meta:
        db_table = "devices"
        db_table_comment = "Physical devices: one watch or sensor each"
        ordering = ["device_id"]
        permissions = [("import_device", "Can import devices"), ("export_device", "Can export devices")]
        constraints = [
            CheckConstraint(
                name="devices_named",
                condition=~Q(serial_number="") | ~Q(maker_key="") | ~Q(label=""),
                violation_error_message="Enter a serial number, the maker's key or a label.",
            ),
            UniqueConstraint(
                Lower("serial_number"),
                name="devices_serial_number",
                condition=~Q(serial_number=""),
                violation_error_message="Another device has this serial number.",
            ),
            UniqueConstraint(
                Lower("maker_key"),
                name="devices_maker_key",
                condition=~Q(maker_key=""),
                violation_error_message="Another device has this maker's key.",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="made_by_run_never_changes", fields=["made_by_run"]),
            *history(TRACKER_MODEL),
        ]

    def __str__(self) -> str:
        name = self.serial_number or self.maker_key or self.label
        return f"{self.model} {name}" if self.model else name


class _DeviceRange(Func):
    function = "INT8RANGE"
    output_field = BigIntegerRangeField()


class _Days(Func):
    function = "DATERANGE"
    output_field = DateRangeField()


class DeviceAssignment(models.Model):
    """A patient wore a device, from one day until before another."""

    assignment_id = models.AutoField(primary_key=True, db_comment="Number of the assignment")
    device = models.ForeignKey(
        Device, on_delete=models.PROTECT, related_name="assignments", db_comment="The device that was worn"
    )
    patient = models.ForeignKey(
        MedicalRecord, on_delete=models.CASCADE, related_name="device_assignments", db_comment="Who wore it"
    )
    worn_from = models.DateField(db_comment="First day on which the patient wore it")
    worn_until = models.DateField(
        null=True,
        blank=True,
        db_comment="First day on which the patient no longer wore it; null while it is worn",
    )
    rank = models.PositiveSmallIntegerField(
        default=1,
        db_default=1,
        validators=[MinValueValidator(1)],
        db_comment="Rank among the devices that the patient wears at a time: the readings of 1 are preferred",
    )
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,  # nobody searches by it
        db_comment="Who entered it; null if an import or a command did",
    )
    made_by_run = made_by_run()

    class Meta:
        db_table = "device_assignments"
        db_table_comment = "Which patient wore which device, from which day until which day"
        verbose_name = "device assignment"
        ordering = ["worn_from", "assignment_id"]
        permissions = [
            ("import_deviceassignment", "Can import assignments of devices"),
            ("export_deviceassignment", "Can export assignments of devices"),
        ]
        constraints = [
            CheckConstraint(
                name="device_assignments_ends_after_start",
                condition=Q(worn_until__gt=F("worn_from")),
                violation_error_message="The assignment must end after the day on which it begins.",
            ),
            CheckConstraint(
                name="device_assignments_rank_from_1",
                condition=Q(rank__gte=1),
                violation_error_message="The rank must be 1 or more.",
            ),
            ExclusionConstraint(
                name="device_assignments_one_patient_at_a_time",
                expressions=[
                    (_DeviceRange("device_id", "device_id", Value("[]")), RangeOperators.OVERLAPS),
                    (_Days("worn_from", "worn_until", Value("[)")), RangeOperators.OVERLAPS),
                ],
                violation_error_message="A patient already wears this device on some of these days.",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="made_by_run_never_changes", fields=["made_by_run"]),
            *history(PATIENT, internal=["entered_by_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.device}, from {date_format(self.worn_from)}"

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Check the row by itself. A form compares all assignments of a device, of which it may change several."""
        super().validate_constraints({*(exclude or ()), "device_id"})


class Consent(models.Model):
    """From a day on, a patient's readings may be stored, or no longer."""

    consent_id = models.AutoField(primary_key=True, db_comment="Number of the entry")
    patient = models.ForeignKey(
        MedicalRecord,
        on_delete=models.CASCADE,
        related_name="reading_consents",
        db_index=False,  # reading_consents_one_a_day begins with it
        db_comment="The patient",
    )
    since = models.DateField(db_comment="The day from which the entry applies")
    is_given = models.BooleanField(
        "consents", db_comment="Whether the patient's readings may be stored: false after a withdrawal"
    )
    recorded_at = models.DateTimeField(db_default=Now(), editable=False, db_comment="When it was recorded")
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,  # nobody searches by it
        db_comment="Who recorded it; null if unknown",
    )
    made_by_run = made_by_run()

    class Meta:
        db_table = "reading_consents"
        db_table_comment = (
            "Whether a patient's readings may be stored: the latest entry applies, and without one they may"
        )
        verbose_name = "consent"
        ordering = ["since"]
        constraints = [
            UniqueConstraint(
                fields=["patient", "since"],
                name="reading_consents_one_a_day",
                violation_error_message="There is already an entry for this day.",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="made_by_run_never_changes", fields=["made_by_run"]),
            *history(PATIENT, internal=["recorded_at", "recorded_by_id"]),
        ]

    def __str__(self) -> str:
        return f"{'Given' if self.is_given else 'Withdrawn'} on {self.since}"
