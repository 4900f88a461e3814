"""Invented readings with the shapes of real ones: day and night, activity, meals, and times without the device."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import polars as pl

from readings.store.columns import MICROSECONDS, READINGS

HOUR = 3600
_TAU = 6.283185307179586


@dataclass(frozen=True)
class Days:
    """The days of a patient, in a time zone; from `away` until before `back` in another one."""

    first: date
    count: int
    zone: str
    seed: int
    away: date | None = None
    back: date | None = None
    zone_away: str = ""

    def make_times(self, step: int) -> pl.DataFrame:
        """Return instants, `step` seconds apart: `at`, `utc_offset`, `day` as a number, and `hour` of the day."""
        begins = datetime.combine(self.first, time())
        ends = begins + timedelta(days=self.count)
        utc = pl.datetime_range(begins, ends, f"{step}s", time_unit="us", closed="left", eager=True).alias("utc")
        home = pl.col("utc").dt.replace_time_zone("UTC").dt.convert_time_zone(self.zone).dt.replace_time_zone(None)
        local = home
        if self.away and self.back:
            away = pl.col("utc").dt.replace_time_zone("UTC").dt.convert_time_zone(self.zone_away)
            is_away = pl.col("utc").is_between(self.away, self.back, closed="left")
            local = pl.when(is_away).then(away.dt.replace_time_zone(None)).otherwise(home)
        times = utc.to_frame().with_columns(local=local)
        seconds = (pl.col("local") - pl.col("local").dt.truncate("1d")).dt.total_seconds()
        return times.select(
            at=pl.col("utc").dt.epoch("us"),
            utc_offset=(pl.col("local") - pl.col("utc")).dt.total_seconds().cast(pl.Int32),
            day=(pl.col("local").dt.date() - self.first).dt.total_days().cast(pl.Int32),
            hour=seconds / HOUR,
        ).filter(pl.col("day").is_between(0, self.count - 1))

    def add_noise(self, times: pl.DataFrame, salt: int) -> pl.DataFrame:
        """Return the times with `noise` from -1 to 1, and `mood`, which is the same all day."""
        return times.with_columns(
            noise=(pl.col("at").hash(self.seed, salt) % 2001).cast(pl.Float64) / 1000 - 1,
            mood=(pl.col("day").hash(self.seed, salt) % 2001).cast(pl.Float64) / 1000 - 1,
        )

    def leave_out_unworn(self, times: pl.DataFrame, share_of_days: float) -> pl.DataFrame:
        """Return the times without an hour of charging a day, and without days on which the device was not worn."""
        is_unworn = pl.col("day").hash(self.seed) % 1000 < round(share_of_days * 1000)
        charging = 20 + self.seed % 7 * 0.3
        charged = pl.col("hour").is_between(charging + pl.col("mood") * 0.5, charging + 1 + pl.col("mood") * 0.5)
        return times.filter(~charged & ~is_unworn)


def _bump(at: float | pl.Expr, width: float) -> pl.Expr:
    """Return a bell around an hour of the day."""
    return (-(((pl.col("hour") - at) / width) ** 2)).exp()


def _awake() -> pl.Expr:
    """Return 0 at night and 1 by day, with a gentle change."""
    return (1 / (1 + (-(pl.col("hour") - 7) * 3).exp())) * (1 / (1 + ((pl.col("hour") - 22.5) * 3).exp()))


def make_heart_rate(days: Days, step: int, resting: float) -> pl.DataFrame:
    """Return heart rate: low at night, higher by day, and high during a walk or a run on some evenings."""
    times = days.leave_out_unworn(days.add_noise(days.make_times(step), 1), 0.05)
    hours = pl.col("at") / MICROSECONDS / HOUR * _TAU + days.seed
    slow = (hours / 1.73).sin() * 2 + (hours / 0.71 + 3 * (hours / 5.3).sin()).sin() * 2.5
    exercise = pl.when(pl.col("mood") > 0.2).then(_bump(17.8 + pl.col("mood"), 0.35) * (40 + 25 * pl.col("mood")))
    value = resting + 16 * _awake() + exercise.fill_null(0) + slow * (0.4 + _awake()) + pl.col("noise") * 4
    return _finish(times, value)


def make_steps(days: Days) -> pl.DataFrame:
    """Return steps of quarters of an hour: on the way to work, at noon, in the evening, and none at night."""
    times = days.leave_out_unworn(days.add_noise(days.make_times(900), 2), 0.05)
    usual = 60 + 700 * _bump(8.2, 0.4) + 350 * _bump(12.6, 0.5) + 650 * _bump(17.8 + pl.col("mood"), 0.6)
    value = _awake() * usual * (1 + 0.5 * pl.col("noise")) * (1 + 0.5 * pl.col("mood"))
    steps = _finish(times, value, length=900)
    return steps.filter(pl.col("value") > 8)


def make_glucose(days: Days, level: float, *, in_mmol: bool) -> pl.DataFrame:
    """Return glucose of a sensor, every five minutes: it rises after meals. In mmol/L it has one decimal."""
    times = days.leave_out_unworn(days.add_noise(days.make_times(300), 3), 0.03)
    meals = _bump(8.7, 0.9) * 55 + _bump(13.6, 1.1) * 45 + _bump(19.9, 1.3) * 70
    drift = (pl.col("at") / MICROSECONDS / HOUR * _TAU / 6.3).sin() * 9
    value = level + meals * (1 + 0.5 * pl.col("mood")) + drift + pl.col("noise") * 3 + 12 * pl.col("mood")
    if in_mmol:
        return _finish(times, value / 18.01559 * 10, decimals=1)
    return _finish(times, value)


def make_resting_heart_rate(days: Days, resting: float) -> pl.DataFrame:
    """Return one value for each day, which falls a little over time."""
    times = days.leave_out_unworn(days.add_noise(days.make_times(86_400), 4), 0.05)
    return _finish(times, resting + 2 + 2 * pl.col("noise") - pl.col("day") / 30)


def _finish(times: pl.DataFrame, value: pl.Expr, decimals: int = 0, length: int | None = None) -> pl.DataFrame:
    return times.select(
        at="at",
        length=pl.lit(None if length is None else length * MICROSECONDS, pl.Int64),
        utc_offset="utc_offset",
        value=value.round(0).cast(pl.Int64),
        decimals=pl.lit(decimals, pl.Int8),
        proven=pl.lit(value=False),
    ).select([name for name in READINGS if name != "stream"])
