"""The names of the files that a report offers: short, without anything that a file system dislikes."""

from collections.abc import Iterable
from datetime import date

from django.utils.text import slugify

MAX_VALUE_LENGTH = 24
MAX_LENGTH = 120


def build_file_name(report: str, filters: Iterable[tuple[str, str]], day: date) -> str:
    """Return the report's name, its filters as far as they fit, and the day; without an ending."""
    name, ending = report, f"_{day.isoformat()}"
    for parameter, value in filters:
        part = f"_{parameter.replace('_', '-')}-{slugify(value)[:MAX_VALUE_LENGTH].strip('-')}".rstrip("-")
        if len(name) + len(part) + len("_more-filters") + len(ending) > MAX_LENGTH:
            return f"{name}_more-filters{ending}"
        name += part
    return f"{name}{ending}"
