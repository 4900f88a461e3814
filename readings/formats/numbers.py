"""Values of JSON as text."""

from decimal import Decimal
from typing import Any

# Programs that convert units write more, which mean nothing and fit into no column.
_MAX_DECIMALS = 12


def to_text(value: Any) -> str | None:
    """Return a value of JSON as text: a fraction with at most 12 decimals, and what is not a number as it is.

    Lists and objects are only marked, because they may be nested deeper than Python can write them.
    """
    if value is None:
        return None
    if isinstance(value, list | dict):
        return "[…]" if isinstance(value, list) else "{…}"
    if not isinstance(value, float):
        return str(value)
    text = repr(value)
    _, _, decimals = text.partition(".")
    return text if len(decimals) <= _MAX_DECIMALS or "e" in text else f"{round(Decimal(text), _MAX_DECIMALS):f}"
