"""Compare the names of columns. This module imports no other library, because models need it."""

import re
from unicodedata import normalize

from healthtrack.core.cleaning import INVISIBLE

_STATED_FORMAT = re.compile(r"\s*\(\s*(MM[/-]DD|(?:DD|TT|JJ)[/.-]MM)[/.-](?:YYYY|JJJJ|AAAA)\s*\)\s*$", re.IGNORECASE)


def normalize_header(header: str) -> str:
    """Return a header in the form in which headers are compared: without case, spaces, hyphens and underscores.

    The format of dates that a header may state in parentheses does not belong to its name.
    """
    name = _STATED_FORMAT.sub("", normalize("NFC", header))
    return re.sub(rf"[\s_\-\u2010-\u2013.:*]+|{INVISIBLE}+", "", name).lower()


def states_month_first(header: str) -> bool | None:
    """Return whether a header states that its dates are month first, as in "born (MM/DD/YYYY)"; None if it does not."""
    stated = _STATED_FORMAT.search(header)
    return stated[1].upper().startswith("MM") if stated else None
