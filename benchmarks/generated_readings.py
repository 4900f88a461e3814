"""Generated readings, always the same: they wander and vary by hour as those of people do."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from readings.models import Metric
from readings.store.columns import MICROSECONDS, READINGS
from readings.store.staging import Stream

CHUNK = 1_000_000
BEGIN = 19_358 * 86_400  # 1 January 2023
DAY = 86_400


@dataclass(frozen=True)
class Generated:
    """Readings of one metric: one stream for each patient, with gaps of `cadence` to `cadence + jitter` seconds."""

    metric: str
    unit: str
    patients: int
    days: int
    cadence: int
    jitter: int = 0
    is_interval: bool = False

    @property
    def for_each(self) -> int:
        """Return the number of readings of each patient."""
        return self.days * DAY // self.mean_gap

    @property
    def mean_gap(self) -> int:
        """Return the mean seconds between two readings."""
        return self.cadence + self.jitter // 2

    @property
    def count(self) -> int:
        """Return the number of readings of all patients."""
        return self.patients * self.for_each

    def streams(self) -> list[Stream]:
        """Return the streams of all patients."""
        metric = Metric.objects.get(code=self.metric).metric_id
        return [Stream(f"P{number:06}", metric, "Watch", self.unit) for number in range(1, self.patients + 1)]

    def chunks(self) -> Iterator[pl.DataFrame]:
        """Yield the readings with the columns `READINGS`, one patient after the other, about `CHUNK` at once."""
        together = max(1, CHUNK // self.for_each)
        for first in range(1, self.patients + 1, together):
            last = min(first + together - 1, self.patients)
            for part in range(0, self.for_each, CHUNK):
                yield self._make(first, last, part, min(part + CHUNK, self.for_each))

    def _make(self, first: int, last: int, begin: int, end: int) -> pl.DataFrame:
        """Return the readings from number `begin` to number `end` of patients `first` to `last`."""
        patients = pl.DataFrame({"stream": pl.int_range(first, last + 1, dtype=pl.Int32, eager=True)})
        places = pl.DataFrame({"place": pl.int_range(begin, end, eager=True)})
        rows = patients.join(places, how="cross").with_columns(noise=pl.struct("stream", "place").hash(1))
        second = pl.col("place") * self.mean_gap + (pl.col("noise") % (self.jitter // 2 + 1)).cast(pl.Int64)
        return rows.select(
            stream="stream",
            at=(second + BEGIN) * MICROSECONDS,
            length=pl.lit(self.cadence * MICROSECONDS if self.is_interval else None, pl.Int64),
            utc_offset=pl.lit(3600, pl.Int32),
            value=self._values(second),
            decimals=pl.lit(0, pl.Int8),
            proven=pl.lit(value=False),
        ).select(*READINGS)

    def _values(self, second: pl.Expr) -> pl.Expr:
        hour = second.cast(pl.Float64) / 3600
        noise = (pl.col("noise") // 1_000 % 5).cast(pl.Int64) - 2
        if self.is_interval:  # nobody walks at night
            steps = (pl.col("noise") // 7_000 % 240).cast(pl.Int64)
            return pl.when((hour % 24).is_between(7, 22)).then(steps).otherwise(0)
        level, swing = {"heart_rate": (75, 25), "glucose": (120, 45)}[self.metric]
        drift = (hour * 0.9 + pl.col("stream")).sin() * swing + (hour * 0.13).sin() * swing / 3
        return (level + drift).round(0).cast(pl.Int64) + noise
