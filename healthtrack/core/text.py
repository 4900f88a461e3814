LONGEST_SHOWN = 60


def shown(value: str) -> str:
    """A value as a sentence quotes it."""
    return f"“{value[:LONGEST_SHOWN]}…”" if len(value) > LONGEST_SHOWN else f"“{value}”"
