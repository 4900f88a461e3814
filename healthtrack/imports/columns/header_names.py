"""Compare the names of columns. This module imports no other library, because models need it."""

import re
from unicodedata import normalize

from healthtrack.core.cleaning import INVISIBLE

_YEAR = "(?:YYYY|JJJJ|AAAA)"
_DAY = "(?:DD|TT|JJ)"
_STATED_FORMAT = re.compile(
    rf"\s*\(\s*(?:(?P<mdy>MM[/-]{_DAY}[/-]{_YEAR})|(?P<dmy>{_DAY}[/.-]MM[/.-]{_YEAR})"
    rf"|(?P<ymd>{_YEAR}[/.-]MM[/.-]{_DAY})|(?P<ydm>{_YEAR}[/.-]{_DAY}[/.-]MM))\s*\)\s*$",
    re.IGNORECASE,
)

# Marks of texts: ="name" and 'name.
_MARKS = re.compile(r"^\s*(?:=\"([^\"]*)\"|'(.*))\s*$", re.DOTALL)


def normalize_header(header: str) -> str:
    """Return a header in the form in which headers are compared: without case, spaces, hyphens and underscores.

    The format of dates that a header may state in parentheses does not belong to its name.
    """
    name = _STATED_FORMAT.sub("", normalize("NFC", _MARKS.sub(r"\1\2", header)))
    return re.sub(rf"[\s_\-\u2010-\u2013.:*]+|{INVISIBLE}+", "", name).lower()


def get_stated_order(header: str) -> str:
    """Return the order of dates that a header states, as in "born (MM/DD/YYYY)": mdy, dmy, ymd, ydm or nothing."""
    stated = _STATED_FORMAT.search(header)
    return (stated.lastgroup or "") if stated else ""
