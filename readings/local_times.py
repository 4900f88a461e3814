"""The patient's local times, which have no time zone: each reading has the offset that applied to it."""

import datetime

from django.utils.dateformat import format as format_date

from healthtrack.core.date_formats import get_date_format


def to_local(instant: datetime.datetime, offset: int) -> datetime.datetime:
    """Return the local time of an instant at an offset in seconds."""
    return instant.astimezone(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=offset)


def to_instant(local: datetime.datetime, offset: int) -> datetime.datetime:
    """Return the instant of a local time at an offset in seconds."""
    return (local - datetime.timedelta(seconds=offset)).replace(tzinfo=datetime.UTC)


def describe_times(starts: datetime.datetime, ends: datetime.datetime) -> str:
    """Return two local times as people write them."""
    return " to ".join(format_date(each, f"{get_date_format()}, H:i") for each in (starts, ends))
