"""Compare the names of columns. This module imports no other library, because models need it."""

import re
from unicodedata import normalize

from healthtrack.core.cleaning import INVISIBLE


def normalize_header(header: str) -> str:
    """Return a header in the form in which headers are compared: without case, spaces, hyphens and underscores."""
    return re.sub(rf"[\s_\-\u2010-\u2013.:*]+|{INVISIBLE}+", "", normalize("NFC", header)).lower()
