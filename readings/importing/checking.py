"""Check rows of text, column by column, and turn them into readings. Every row ends as a reading or with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from readings.devices.created_devices import MAX_SERIAL_NUMBER
from readings.formats.batch import LINE, SLEEP_STAGES
from readings.importing.lookups import Patients, Units, get_wearers
from readings.importing.times import START_PROBLEMS, add_times
from readings.importing.values import add_values
from readings.store.columns import DAY_SECONDS, MICROSECONDS
from readings.units import get_only_unit

# Reasons by code: the column that is wrong, and what to do. In the order in which they are looked for.
REASONS: Mapping[str, tuple[str, str]] = {
    "no_patient": ("patient_id", "The row names no patient. Add the column patient_id, or choose the patient."),
    "another_patient": (
        "patient_id",
        "The file was uploaded for another patient. Upload it on that patient's page, or on the page of imports.",
    ),
    "unknown_patient": ("patient_id", "No record has this number. Import the record first, or correct the number."),
    "withdrawn": ("patient_id", "This patient withdrew the consent to readings. Remove the patient's rows."),
    "no_metric": ("metric", "The row names no metric. Enter its code or LOINC code."),
    "unknown_metric": (
        "metric",
        "No metric has this code. Use one of the codes or LOINC codes of the list of metrics.",
    ),
    "no_unit": ("unit", "The row has no unit. Enter its UCUM unit, such as /min."),
    "unknown_unit": ("unit", "The metric has no such unit. Enter one of its UCUM units, such as mg/dL or mmol/L."),
    "no_value": ("value", "The row has no value."),
    "not_a_number": ("value", "This is not a number. Write digits with a decimal point, such as 72.5."),
    "too_precise": ("value", "The number has too many digits to be stored exactly. Round it."),
    "implausible": ("value", "The value is not plausible for this metric and unit."),
    "no_start": ("start", "The row has no start."),
    "not_a_time": ("start", "This is not an existing date and time. Write it as 2024-03-05T08:00:00+01:00."),
    "too_fine": ("start", "The time has more than six decimals of a second. Round it."),
    "no_zone": ("start", "The time has no UTC offset. Add it, such as +01:00, or choose the time zone."),
    "skipped_time": ("start", "This local time did not exist in the chosen time zone: clocks were moved forward."),
    "repeated_time": ("start", "This local time occurred twice in the chosen time zone: add the UTC offset."),
    "odd_offset": ("start", "The UTC offset is larger than 18 hours."),
    "future": ("start", "The reading is in the future."),
    "before_birth": ("start", "The reading is before the patient's birth."),
    "no_end": ("end", "This metric is measured in an interval: enter when it ended."),
    "not_an_end": ("end", "This is not an existing date and time. Write it as 2024-03-05T08:05:00+01:00."),
    "needless_end": ("end", "This metric is measured at an instant: leave the end empty."),
    "end_before_start": ("end", "The end is not after the start."),
    "worn_by_another": ("device", "Another patient wore the device with this serial number on that day."),
    "shared_device": (
        "device",
        "Another patient has readings from the device with this serial number at that time. Correct the number.",
    ),
    "long_source": ("device", "The name of the source has more than 200 characters."),
    "long_serial_number": ("serial_number", "The serial number has more than 100 characters."),
    "unknown_stage": ("stage", "There is no such stage of sleep."),
    "contradictory_episodes": ("start", "The files have different nights or workouts that begin at this time."),
    "contradictory": ("value", "The files have different values for this instant."),
    "contradictory_units": (
        "value",
        "The files have different values for this instant in two units, or different ends. Correct or remove a row.",
    ),
    "stored_in_another_unit": (
        "value",
        "An earlier import has another value for this instant in another unit. Correct this row, or undo that import.",
    ),
}


MAX_SOURCE = 200


@dataclass
class Answers:
    """What a person or command said about files that do not say it themselves; `units` by code of the metric.

    If `is_only_patient`, no row may name another patient.
    """

    patient: str = ""
    zone: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    is_only_patient: bool = False


@dataclass(frozen=True)
class Checked:
    """Valid rows, with the columns of `READINGS` without `stream`, and those of a stream; and rows with a reason."""

    rows: pl.DataFrame
    wrong: pl.DataFrame
    missing: "Missing"


@dataclass
class Missing:
    """What files do not say and nobody has answered; `units` by name of the metric in the files."""

    patient: bool = False
    zone: bool = False
    units: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return self.patient or self.zone or bool(self.units)

    def add(self, other: "Missing") -> None:
        self.patient |= other.patient
        self.zone |= other.zone
        self.units |= other.units


class RowChecker:
    """Checks the rows of a run."""

    def __init__(self, units: Units, serial_numbers: set[str], answers: Answers) -> None:
        self.units, self.answers = units, answers
        self.patients = Patients()
        self.serial_numbers = serial_numbers
        self.wearers = get_wearers(serial_numbers)
        self.latest = int(datetime.now(UTC).timestamp() * MICROSECONDS)
        self.codes = set(units.table["metric"])

    def add_wearers(self, wearers: pl.DataFrame) -> None:
        """Let readings be compared with these assignments, which `get_wearers` describes, and not stored ones."""
        same = ["serial", "wearer", "worn_from"]
        self.serial_numbers |= set(wearers["serial"])
        self.wearers = pl.concat([self.wearers.join(wearers, on=same, how="anti"), wearers])

    def check(self, rows: pl.DataFrame, patient: str = "") -> Checked:
        """Return the rows, checked. `patient` is whose they are if they name nobody."""
        rows = self._fill_in(rows, patient)
        rows = add_times(add_values(self._join(rows)), self.answers.zone)
        rows = self._find_other_wearers(rows)
        rows = rows.with_columns(code=self._find_code(rows.columns))
        valid = pl.col("code").is_null()
        return Checked(rows.filter(valid), rows.filter(~valid), self._find_missing(rows))

    def _find_missing(self, rows: pl.DataFrame) -> Missing:
        is_local = (pl.col("start_problem") == "no_zone") | (pl.col("end_problem") == "no_zone")
        lacks_unit = pl.col("unit").is_null() & pl.col("metric").is_in(list(self.codes))
        return Missing(
            patient=not self.answers.patient and rows["patient_id"].has_nulls(),
            zone=not self.answers.zone and bool(rows.select(is_local.any()).item()),
            units=set(rows.filter(lacks_unit)["metric"].unique()),
        )

    def _fill_in(self, rows: pl.DataFrame, patient: str) -> pl.DataFrame:
        units = {
            name: unit
            for metric in self.units.metrics
            if (unit := self.answers.units.get(metric.code) or get_only_unit(metric.unit))
            for name in (metric.code, metric.loinc)
            if name
        }
        default = pl.lit(None, pl.String)
        return rows.with_columns(
            pl.col("patient_id").fill_null(pl.lit(patient or self.answers.patient or None, pl.String)),
            pl.col("unit").fill_null(pl.col("metric").replace_strict(units, default=None) if units else default),
            pl.coalesce("serial_number", "device", pl.lit("")).alias("device"),
        )

    def _join(self, rows: pl.DataFrame) -> pl.DataFrame:
        named = rows["patient_id"].drop_nulls().unique().to_list()
        rows = rows.join(self.patients.get(named), on="patient_id", how="left", maintain_order="left")
        return rows.join(self.units.table, on=["metric", "unit"], how="left", maintain_order="left")

    def _find_other_wearers(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with `worn_by_another`: the device is a known one, and somebody else wore it that day."""
        serial = pl.col("device").str.to_lowercase()
        if self.wearers.is_empty() or not rows.select(serial.is_in(list(self.serial_numbers)).any()).item():
            return rows.with_columns(worn_by_another=pl.lit(value=False))
        day = pl.from_epoch(
            (pl.col("at") + pl.col("utc_offset").cast(pl.Int64) * MICROSECONDS) // MICROSECONDS // DAY_SECONDS, "d"
        )
        met = rows.select(LINE, "patient_id", serial=serial, day=day).join(self.wearers, on="serial")
        worn = (pl.col("worn_from") <= pl.col("day")) & (
            pl.col("worn_until").is_null() | (pl.col("day") < pl.col("worn_until"))
        )
        others = met.filter(worn & (pl.col("wearer") != pl.col("patient_id")))[LINE].unique()
        return rows.with_columns(worn_by_another=pl.col(LINE).is_in(others.to_list()))

    def _find_code(self, columns: Sequence[str]) -> pl.Expr:
        """Return the first reason against a row; null if there is none."""
        conditions = {**self._check_names(), **_check_value(), **self._check_times(), **_check_device()}
        if "stage" in columns:
            is_known = pl.col("stage").is_null() | pl.col("stage").is_in(SLEEP_STAGES)
            conditions = {**conditions, "unknown_stage": (pl.col("metric") == "sleep") & ~is_known}
        return pl.coalesce(pl.when(conditions[code]).then(pl.lit(code)) for code in REASONS if code in conditions)

    def _check_names(self) -> Mapping[str, pl.Expr]:
        """Return what is wrong with the patient, metric or unit, by code."""
        return {
            "no_patient": pl.col("patient_id").is_null(),
            "another_patient": pl.lit(self.answers.is_only_patient) & (pl.col("patient_id") != self.answers.patient),
            "unknown_patient": pl.col("born").is_null(),
            "withdrawn": pl.col("has_withdrawn"),
            "no_metric": pl.col("metric").is_null(),
            "unknown_metric": ~pl.col("metric").is_in(list(self.codes)),
            "no_unit": pl.col("unit").is_null(),
            "unknown_unit": pl.col("metric_id").is_null(),
        }

    def _check_times(self) -> Mapping[str, pl.Expr]:
        """Return what is wrong with start or end, by code."""
        local = pl.col("at") + pl.col("utc_offset").cast(pl.Int64) * MICROSECONDS
        born = pl.col("born").cast(pl.Int32).cast(pl.Int64) * DAY_SECONDS * MICROSECONDS
        return {
            "no_start": pl.col("start").is_null(),
            **{code: pl.col("start_problem") == code for code in START_PROBLEMS},
            "future": pl.col("at") > self.latest,
            "before_birth": local < born,
            "no_end": (pl.col("kind") == "interval") & pl.col("end").is_null(),
            "not_an_end": pl.col("end_problem").is_not_null(),
            "needless_end": (pl.col("kind") == "instant") & pl.col("end").is_not_null(),
            "end_before_start": pl.col("end_at") <= pl.col("at"),
        }


def _check_value() -> Mapping[str, pl.Expr]:
    """Return what is wrong with the value, by code."""
    return {
        "no_value": pl.col("value_text").is_null(),
        "not_a_number": pl.col("value").is_null() & ~pl.col("is_too_precise"),
        "too_precise": pl.col("is_too_precise"),
        "implausible": ~pl.col("number").is_between("lowest", "highest"),
    }


def _check_device() -> Mapping[str, pl.Expr]:
    """Return what is wrong with the device, by code."""
    return {
        "worn_by_another": pl.col("worn_by_another"),
        "long_source": pl.col("device").str.len_chars() > MAX_SOURCE,
        "long_serial_number": pl.col("serial_number").str.len_chars() > MAX_SERIAL_NUMBER,
    }
