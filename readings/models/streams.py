"""Streams: the readings of one metric of a patient that come from one source, and the devices behind them."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from healthtrack.audit.triggers import ProgramHistory
from patients.models import PATIENT


def patient_number() -> "models.TextField[str, str]":
    """Return the column for the patient's number in a table that may be distributed.

    Its type is text, because a distributed table refuses new partitions if the type is varchar.
    """
    return models.TextField(
        "patient number", db_collation="C", db_comment="The patient's number; deleted/N after their record was deleted"
    )


class ReadingStream(models.Model):
    """The readings of one metric of a patient, from one source and in one unit."""

    program_history = ProgramHistory(
        (PATIENT,),
        {
            "devices": "Devices",
            "source": "Source",
            "excluded": "Excluded from statistics",
            "key": "",  # by which a restoration finds the readings
        },
    )

    pk = models.CompositePrimaryKey("patient_id", "stream_id")
    patient_id = patient_number()
    stream_id = models.IntegerField(db_comment="Number of the stream, from the sequence reading_stream_numbers")
    metric_id = models.IntegerField(db_comment="The metric, a row of metrics")
    source = models.TextField(db_comment="The device or app as the file names it; empty if it names none")
    unit = models.TextField(db_comment="The UCUM unit that the file states")
    model = models.TextField(
        db_default="", default="", db_comment="The model of the device, in the words of the file; empty if it says none"
    )
    origin = models.TextField(
        db_default="", default="", db_collation="C", db_comment="The patient's number before a merge; empty if none"
    )

    class Meta:
        db_table = "reading_streams"
        verbose_name = "stream of readings"
        verbose_name_plural = "streams of readings"
        db_table_comment = "Streams of readings: a patient, a metric, a source as files name it, and a unit"
        default_permissions = ("view",)
        constraints = [
            UniqueConstraint(
                fields=["patient_id", "metric_id", "source", "unit", "origin"], name="reading_streams_unique"
            ),
        ]
        indexes = [
            Index("origin", name="reading_streams_origin", condition=~Q(origin="")),
            Index("stream_id", name="reading_streams_number"),
        ]

    def __str__(self) -> str:
        return f"Stream {self.stream_id}"


class StreamDevice(models.Model):
    """Which device a stream came from, from an instant until that of the next row."""

    class Decision(models.TextChoices):
        SERIAL = "serial", "By serial number"
        MODEL = "model", "By the device of this model that the patient wore"
        PERSON = "person", "By a person"
        OPEN = "open", "Waits for a decision"

    pk = models.CompositePrimaryKey("patient_id", "stream_id", "starts_at")
    patient_id = patient_number()
    stream_id = models.IntegerField(db_comment="The stream")
    starts_at = models.DateTimeField(
        db_comment="From this instant until that of the next row; 1900-01-01 for the beginning"
    )
    device_id = models.IntegerField(null=True, db_comment="The device, a row of devices; null: unassigned")
    decision = models.CharField(
        max_length=6,
        choices=Decision,
        db_comment="How it was decided: serial, model or person; open: it waits for a decision",
    )
    decided_by_id = models.IntegerField(null=True, db_comment="Who decided it; null if the program did")

    class Meta:
        db_table = "stream_devices"
        db_table_comment = "Which device a stream of readings came from, and since when"
        default_permissions = ()
        constraints = [
            CheckConstraint(
                name="stream_devices_decision_known", condition=Q(decision__in=["serial", "model", "person", "open"])
            ),
            CheckConstraint(
                name="stream_devices_open_without_device", condition=~Q(decision="open") | Q(device_id=None)
            ),
        ]
        permissions = [("decide_streamdevice", "Can decide which device readings came from")]
        indexes = [
            Index("device_id", name="stream_devices_device", condition=Q(device_id__isnull=False)),
            Index("patient_id", "stream_id", name="stream_devices_open", condition=Q(decision="open")),
            Index("patient_id", "stream_id", name="stream_devices_decided", condition=Q(decision="person")),
        ]

    def __str__(self) -> str:
        return f"Stream {self.stream_id} from {self.starts_at}"
