"""What rows are checked against: metrics, patients, devices and who wore them."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl
from django.db import connection

from readings.models import Device, Metric
from readings.units import convert_limit, get_units

_PATIENTS = """
    SELECT record.patient_id, record.date_of_birth,
           coalesce((SELECT NOT is_given FROM reading_consents AS consent
                      WHERE consent.patient_id = record.patient_id ORDER BY since DESC LIMIT 1), false)
      FROM medical_records AS record WHERE record.patient_id = ANY (%s)
"""
# Of rows whose device another patient wore: the patient's own assignments do not count.
_WORN = """
    SELECT lower(device.serial_number), assignment.patient_id, assignment.worn_from, assignment.worn_until
      FROM devices AS device JOIN device_assignments AS assignment USING (device_id)
     WHERE lower(device.serial_number) = ANY (%s)
"""


@dataclass(frozen=True)
class Units:
    """One row for each metric and unit that files may state, to join with rows by `metric` and `unit`.

    `metric` is the code or the LOINC code. `lowest` and `highest` are plausible values in the unit; `max_decimals` says
    how many decimals fit into 64 bits with them.
    """

    table: pl.DataFrame
    metrics: Collection[Metric]


def get_units_of_metrics() -> Units:
    metrics = list(Metric.objects.order_by("metric_id"))
    rows = []
    for metric in metrics:
        for unit in get_units(metric.unit):
            low, high = sorted(
                convert_limit(float(limit), metric.unit, unit) for limit in (metric.lowest, metric.highest)
            )
            digits = len(str(int(max(abs(low), abs(high)))))
            rows += [
                (name, unit, metric.metric_id, metric.kind, low, high, 18 - digits)
                for name in (metric.code, metric.loinc)
                if name
            ]
    names = ["metric", "unit", "metric_id", "kind", "lowest", "highest", "max_decimals"]
    return Units(pl.DataFrame(rows, schema=names, orient="row"), metrics)


class Patients:
    """The patients that rows name, fetched when they first appear."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[object, bool] | None] = {}

    def get(self, numbers: Collection[str]) -> pl.DataFrame:
        """Return `patient_id`, `born` and `has_withdrawn` for those of these numbers that have a record."""
        if new := [number for number in numbers if number not in self.known]:
            self.known |= dict.fromkeys(new)
            with connection.cursor() as cursor:
                cursor.execute(_PATIENTS, [new])
                self.known |= {number: (born, withdrawn) for number, born, withdrawn in cursor.fetchall()}
        rows = [(number, *found) for number in numbers if (found := self.known[number])]
        schema = {"patient_id": pl.String, "born": pl.Date, "has_withdrawn": pl.Boolean}
        return pl.DataFrame(rows, schema=schema, orient="row")


def get_serial_numbers() -> set[str]:
    """Return the serial numbers of all devices, in lower case."""
    return {
        number.lower() for number in Device.objects.exclude(serial_number="").values_list("serial_number", flat=True)
    }


def get_wearers(serial_numbers: Collection[str]) -> pl.DataFrame:
    """Return who wore the devices with these serial numbers: `serial`, `wearer`, `worn_from`, `worn_until`."""
    with connection.cursor() as cursor:
        cursor.execute(_WORN, [list(serial_numbers)])
        rows = cursor.fetchall()
    schema = {"serial": pl.String, "wearer": pl.String, "worn_from": pl.Date, "worn_until": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")
