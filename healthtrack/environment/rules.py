"""The variables of a hospital's own rules: its time zone and dates, retention, and limits of uploads."""

from dataclasses import dataclass

from healthtrack.core import environment_values as values
from healthtrack.core.environment_variables import Variable, declare


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How times are shown, how long data is stored, and how much a person may upload."""

    time_zone: str = declare(
        Variable(
            "HEALTHTRACK_TIME_ZONE",
            values.parse_time_zone,
            "the time zone that decides which day it is, such as `Asia/Kolkata`; people can choose another one for the "
            "times on their pages",
            default_text="`UTC`",
        ),
        default="UTC",
    )
    date_format: str = declare(
        Variable(
            "HEALTHTRACK_DATE_FORMAT",
            values.parse_date_format,
            "how pages write 30 November 2026, unless a person chooses otherwise: `words` (30 Nov 2026), `iso` "
            "(2026-11-30), `us` (11/30/2026) or `dots` (30.11.2026)",
        ),
        default="words",
    )
    readings_undo_days: int = declare(
        Variable(
            "HEALTHTRACK_READINGS_UNDO_DAYS",
            values.parse_whole_number,
            "how many days an import of readings can be undone",
        ),
        default=90,
    )
    readings_months: int = declare(
        Variable(
            "HEALTHTRACK_READINGS_MONTHS",
            values.parse_whole_number,
            "retention of readings, in months",
        ),
        default=1200,
    )
    access_log_months: int = declare(
        Variable(
            "HEALTHTRACK_ACCESS_LOG_MONTHS",
            values.parse_whole_number,
            "retention of the access log and the sign-in events, in months",
        ),
        default=72,
    )
    max_upload_mb: int = declare(
        Variable(
            "HEALTHTRACK_MAX_UPLOAD_MB",
            values.parse_whole_number,
            "maximum size of an uploaded file, in MB",
            old_name="HEALTHTRACK_MOST_UPLOAD_MB",
        ),
        default=200,
    )
    max_rows: int = declare(
        Variable(
            "HEALTHTRACK_MAX_ROWS",
            values.parse_whole_number,
            "maximum number of rows in a file",
            old_name="HEALTHTRACK_MOST_ROWS",
        ),
        default=5000000,
    )
    max_uploads_per_day: int = declare(
        Variable(
            "HEALTHTRACK_MAX_UPLOADS_PER_DAY", values.parse_whole_number, "how many times a person may upload in a day"
        ),
        default=100,
    )
