"""The readings: a row for each day of a stream, with arrays; what each run contributed; episodes and exclusions."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint
from django.db.models.functions import Now

from readings.models.streams import patient_number


def _array(base: "models.Field[Any, Any]", comment: str) -> "ArrayField[Any, Any]":
    return ArrayField(base, null=True, db_comment=comment)


class DayArrays(models.Model):
    """The readings of a stream on one local day, as arrays in the order of time.

    Times and values are whole numbers, with the decimal places that reproduce exactly what the source gave.
    """

    patient_id = patient_number()
    stream_id = models.IntegerField(db_comment="The stream")
    day = models.DateField(db_comment="The patient's local day")
    utc_offset = models.IntegerField(db_comment="Seconds by which local time is ahead of UTC")
    first_at = models.DateTimeField(null=True, db_comment="Instant of the first reading, cut off at a microsecond")
    last_at = models.DateTimeField(null=True, db_comment="Instant of the last reading, cut off at a microsecond")
    time_decimals = models.SmallIntegerField(null=True, db_comment="Decimal places of the seconds in times and lengths")
    value_decimals = models.SmallIntegerField(null=True, db_comment="Decimal places of the values")
    first_time = models.BigIntegerField(null=True, db_comment="Time of the first reading since local midnight")
    small_gaps = _array(
        models.SmallIntegerField(), "Time between each reading and the one before, 0 for the first; null if in gaps"
    )
    # Gaps of 64 bits make short rows long enough for compression, which removes their zeros (docs/decisions).
    gaps = _array(models.BigIntegerField(), "The same, in short rows and if a gap does not fit into 16 bits")
    small_values = _array(models.SmallIntegerField(), "Values; null if large_values has them")
    large_values = _array(models.BigIntegerField(), "The same, if a value does not fit into 16 bits")
    lengths = _array(
        models.BigIntegerField(),
        "Lengths of intervals, one for each reading or one for all; null if readings are instants",
    )
    offsets_proven = _array(
        models.BooleanField(),
        "Whether the source proves the offset, for each reading or one for all; null if for none",
    )

    class Meta:
        abstract = True


def _arrays_fit() -> Q:
    """Return the condition that each reading has a time and a value."""
    count = F("reading_count")
    times = Q(small_gaps__isnull=False, small_gaps__len=count, gaps=None)
    times |= Q(small_gaps=None, gaps__isnull=False, gaps__len=count)
    values = Q(small_values__isnull=False, small_values__len=count, large_values=None)
    values |= Q(small_values=None, large_values__isnull=False, large_values__len=count)
    lengths = Q(lengths=None) | Q(lengths__len=1) | Q(lengths__len=count)
    return Q(reading_count__gt=0, first_time__isnull=False) & times & values & lengths


class ReadingDay(DayArrays):
    """The readings of a stream on one local day, with figures that need no arrays."""

    pk = models.CompositePrimaryKey("patient_id", "stream_id", "day", "utc_offset")
    run_id = models.BigIntegerField(
        null=True, db_comment="The run whose contribution is exactly this row; null if the row unites several"
    )
    reading_count = models.IntegerField(db_comment="Number of readings")
    counted = models.IntegerField(db_comment="Readings in the figures that follow: those that are not excluded")
    seconds_covered = models.IntegerField(
        db_comment="Seconds that readings cover: each until the next, at most twice the median gap; or intervals"
    )
    lowest = models.FloatField(null=True, db_comment="Lowest value, in the unit of the stream; null if none is counted")
    highest = models.FloatField(
        null=True, db_comment="Highest value, in the unit of the stream; null if none is counted"
    )
    total = models.FloatField(db_comment="Sum of the values, in the unit of the stream")
    total_of_squares = models.FloatField(db_comment="Sum of the squared values, in the unit of the stream")
    range_seconds = _array(
        models.IntegerField(), "Seconds covered in each range of the metric, from the lowest; null if it has no ranges"
    )

    class Meta:
        db_table = "reading_days"
        db_table_comment = "Readings: one row for each stream and local day, with arrays; one partition for each year"
        verbose_name = "reading"
        default_permissions = ("view",)
        permissions = [
            ("import_reading", "Can import readings"),
            ("export_reading", "Can export readings"),
            ("exclude_reading", "Can exclude readings from statistics"),
        ]
        constraints = [CheckConstraint(name="reading_days_arrays_fit", condition=_arrays_fit())]
        indexes = [Index("run_id", name="reading_days_run")]

    def __str__(self) -> str:
        return f"{self.day} of stream {self.stream_id}"


class Contribution(DayArrays):
    """What one run contributed to a day of a stream, where the day's row is not exactly that."""

    pk = models.CompositePrimaryKey("patient_id", "stream_id", "day", "utc_offset", "run_id")
    run_id = models.BigIntegerField(db_comment="The run; 0 for all runs that can no longer be undone")
    same_as = models.BigIntegerField(
        null=True, db_comment="An earlier run with the same readings, whose row has the arrays; null: here they are"
    )
    reading_count = models.IntegerField(null=True, db_comment="Number of readings; null if same_as has a run")

    class Meta:
        db_table = "reading_contributions"
        db_table_comment = "What each run contributed to a day of a stream that several runs brought"
        default_permissions = ()
        constraints = [
            CheckConstraint(
                name="reading_contributions_arrays_or_marker",
                condition=(Q(same_as=None) & _arrays_fit())
                | Q(same_as__isnull=False, first_time=None, reading_count=None),
            ),
        ]
        indexes = [Index("run_id", name="reading_contributions_run")]

    def __str__(self) -> str:
        return f"{self.day} of stream {self.stream_id}, run {self.run_id}"


class Episode(models.Model):
    """A night's sleep with its stages, or a workout. Of several runs, the latest one is shown."""

    pk = models.CompositePrimaryKey("patient_id", "stream_id", "starts_at", "run_id")
    patient_id = patient_number()
    stream_id = models.IntegerField(db_comment="The stream; its metric says whether it is sleep or a workout")
    starts_at = models.DateTimeField(db_comment="When it began")
    run_id = models.BigIntegerField(db_comment="The run that brought it")
    ends_at = models.DateTimeField(db_comment="When it ended")
    start_offset = models.IntegerField(db_comment="Seconds by which local time was ahead of UTC at the beginning")
    end_offset = models.IntegerField(db_comment="Seconds by which local time was ahead of UTC at the end")
    day = models.DateField(db_comment="The local day that it belongs to; sleep belongs to the day of waking")
    stages = models.JSONField(
        default=list, db_comment="Stages in order, each with the seconds since the beginning and its name"
    )

    class Meta:
        db_table = "episodes"
        db_table_comment = "Sleep with its stages, and workouts"
        default_permissions = ()
        constraints = [CheckConstraint(name="episodes_end_after_start", condition=Q(ends_at__gt=F("starts_at")))]
        indexes = [Index("run_id", name="episodes_run")]

    def __str__(self) -> str:
        return f"Episode of {self.day}"


class Exclusion(models.Model):
    """A period of a stream that statistics leave out, such as that of a broken sensor. The readings stay."""

    pk = models.CompositePrimaryKey("patient_id", "stream_id", "starts_at")
    patient_id = patient_number()
    stream_id = models.IntegerField(db_comment="The stream")
    starts_at = models.DateTimeField(db_comment="First instant that is left out")
    ends_at = models.DateTimeField(db_comment="First instant that counts again")
    reason = models.TextField(db_comment="Why, in the words of the person who excluded it")
    excluded_by_id = models.IntegerField(null=True, db_comment="Who excluded it; null if unknown")
    excluded_at = models.DateTimeField(db_default=Now(), db_comment="When it was excluded")

    class Meta:
        db_table = "reading_exclusions"
        db_table_comment = "Periods of streams that statistics leave out, with the reason"
        default_permissions = ()
        constraints = [
            CheckConstraint(name="reading_exclusions_end_after_start", condition=Q(ends_at__gt=F("starts_at"))),
            CheckConstraint(name="reading_exclusions_reason_not_blank", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return self.reason


class ReadingRun(models.Model):
    """An applied run of readings, and its place in the order in which runs were applied."""

    run_id = models.BigIntegerField(primary_key=True, db_comment="The import run")
    position = models.BigIntegerField(db_comment="Place in the order of runs: of two, the later one gives the values")
    applied_at = models.DateTimeField(db_default=Now(), db_comment="When it was applied")
    is_final = models.BooleanField(
        default=False, db_default=False, db_comment="Whether it can no longer be undone, because it is too old"
    )

    class Meta:
        db_table = "reading_runs"
        db_table_comment = "Runs that brought readings, in the order in which they were applied"
        default_permissions = ()
        constraints = [UniqueConstraint(fields=["position"], name="reading_runs_position")]

    def __str__(self) -> str:
        return f"Run {self.run_id}"
