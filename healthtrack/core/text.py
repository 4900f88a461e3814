"""Quote values in messages."""

MAX_QUOTED_LENGTH = 60


def quote(value: str) -> str:
    """Return the value in quotation marks, cut to a length that fits into a sentence."""
    return f"“{value[:MAX_QUOTED_LENGTH]}…”" if len(value) > MAX_QUOTED_LENGTH else f"“{value}”"
