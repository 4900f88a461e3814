"""Make databases with the tables that Health Connect exports."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

_OWN = (
    "row_id INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB, last_modified_time INTEGER, device_info_id INTEGER,"
    " app_info_id INTEGER, dedupe_hash BLOB"
)
_INSTANT = (
    "time INTEGER, zone_offset INTEGER, local_date INTEGER, local_date_time INTEGER AS (time + 1000 * zone_offset)"
)
_INTERVAL = (
    "start_time INTEGER, start_zone_offset INTEGER, end_time INTEGER, end_zone_offset INTEGER, local_date INTEGER,"
    " local_date_time_start_time INTEGER AS (start_time + 1000 * start_zone_offset)"
)
TABLES: Mapping[str, str] = {
    "device_info_table": "row_id INTEGER PRIMARY KEY, manufacturer TEXT, model TEXT, device_type INTEGER",
    "application_info_table": "row_id INTEGER PRIMARY KEY, package_name TEXT UNIQUE, app_name TEXT",
    "heart_rate_record_table": f"{_OWN}, {_INTERVAL}",
    "heart_rate_record_series_table": "parent_key INTEGER, beats_per_minute INTEGER, epoch_millis INTEGER",
    "steps_record_table": f"{_OWN}, {_INTERVAL}, count INTEGER",
    "distance_record_table": f"{_OWN}, {_INTERVAL}, distance REAL",
    "active_calories_burned_record_table": f"{_OWN}, {_INTERVAL}, energy REAL",
    "sleep_session_record_table": f"{_OWN}, {_INTERVAL}, notes TEXT, title TEXT",
    "sleep_stages_table": "parent_key INTEGER, stage_start_time INTEGER, stage_end_time INTEGER, stage_type INTEGER",
    "exercise_session_record_table": f"{_OWN}, {_INTERVAL}, exercise_type INTEGER, notes TEXT, title TEXT",
    "blood_glucose_record_table": f"{_OWN}, {_INSTANT}, specimen_source TEXT NOT NULL, level REAL",
    "blood_pressure_record_table": f"{_OWN}, {_INSTANT}, systolic REAL, diastolic REAL",
    "body_temperature_record_table": f"{_OWN}, {_INSTANT}, measurement_location INTEGER, temperature REAL",
    "heart_rate_variability_rmssd_record_table": f"{_OWN}, {_INSTANT}, heart_rate_variability_millis REAL",
    "height_record_table": f"{_OWN}, {_INSTANT}, height REAL",
    "oxygen_saturation_record_table": f"{_OWN}, {_INSTANT}, percentage REAL",
    "respiratory_rate_record_table": f"{_OWN}, {_INSTANT}, rate REAL",
    "resting_heart_rate_record_table": f"{_OWN}, {_INSTANT}, beats_per_minute INTEGER",
    "weight_record_table": f"{_OWN}, {_INSTANT}, weight REAL",
    "body_fat_record_table": f"{_OWN}, {_INSTANT}, percentage REAL",
    "SpeedRecordTable": f"{_OWN}, {_INTERVAL}",
    "speed_record_table": "parent_key INTEGER, speed REAL, epoch_millis INTEGER",
    "preference_table": "row_id INTEGER PRIMARY KEY, key TEXT, value TEXT",
}


def milliseconds(text: str) -> int:
    """Return a time of ISO 8601 as Health Connect counts it."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


class Export:
    """An export, to which rows are added."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run("PRAGMA page_size = 512", *(f'CREATE TABLE "{name}" ({what})' for name, what in TABLES.items()))

    def run(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def add(self, table: str, rows: Sequence[Mapping[str, object]]) -> "Export":
        """Add rows to a table."""
        with closing(sqlite3.connect(self.path)) as connection:
            for row in rows:
                names = ", ".join(row)
                places = ", ".join("?" * len(row))
                connection.execute(f'INSERT INTO "{table}" ({names}) VALUES ({places})', list(row.values()))
            connection.commit()
        return self

    def add_instant(self, table: str, time: str | int, offset: int | None = 3600, **values: object) -> "Export":
        """Add a row of an instant table, of the watch and the app with number 1."""
        instant = milliseconds(time) if isinstance(time, str) else time
        return self.add(
            table, [{"device_info_id": 1, "app_info_id": 1, "time": instant, "zone_offset": offset, **values}]
        )

    def add_interval(self, table: str, start: str, end: str, offset: int | None = 3600, **values: object) -> "Export":
        """Add a row of an interval table, of the watch and the app with number 1."""
        times = {"start_time": milliseconds(start), "end_time": milliseconds(end)}
        offsets = {"start_zone_offset": offset, "end_zone_offset": offset}
        return self.add(table, [{"device_info_id": 1, "app_info_id": 1, **times, **offsets, **values}])


def make_export(path: Path) -> Export:
    """Return an export with a watch and an app."""
    export = Export(path)
    export.add(
        "device_info_table", [{"row_id": 1, "manufacturer": "Google", "model": "Pixel Watch 2", "device_type": 1}]
    )
    return export.add("application_info_table", [{"row_id": 1, "package_name": "com.fitbit.FitbitMobile"}])
