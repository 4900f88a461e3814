"""Compare texts in SQL as people see them."""

from healthtrack.core.cleaning import INVISIBLE

# Which of these count as \s depends on the collation.
_SPACES = r"[\s\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
# A text without any of these looks like itself only. This is cheap to find, and true of most texts.
_ODD = r"[^!-~ ]|  |^ | $"


def look_the_same(text: str, other: str) -> str:
    """Return the SQL condition that two texts differ, but not to the eye."""
    is_odd = f"({text} ~ '{_ODD}' OR {other} ~ '{_ODD}')"
    return f"({text} <> {other} AND {is_odd} AND {appearance(text)} = {appearance(other)}) IS TRUE"


def appearance(text: str) -> str:
    """Return the SQL of a text as people see it: in NFC, without invisible characters, and with single spaces."""
    visible = f"regexp_replace(normalize({text}), '{INVISIBLE}', '', 'g')"
    return f"btrim(regexp_replace({visible}, '{_SPACES}', ' ', 'g'))"
