"""Stored values as people read them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format


def describe_value(value: Any, choices: Mapping[Any, Any] | None = None) -> str:
    """Return a value in words: its choice if it is one, a date in our format, yes or no, empty for None."""
    if choices and value in choices:
        return str(choices[value])
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "EXACT_DATETIME_FORMAT")
    if isinstance(value, date):
        return date_format(value)
    return "" if value is None else str(value)
