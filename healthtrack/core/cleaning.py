"""Clean texts in the same way in imports, headers and forms, so that texts that look the same are the same.

The patterns are regular expressions for both Python and polars.
"""

import re
from unicodedata import normalize

# Characters without width or meaning inside a word, such as the zero-width space and the byte-order mark.
MEANINGLESS = "[\u00ad\u180e\u200b\u2060-\u2064\ufeff]"
# All characters without width. Joiners and direction marks have a meaning between letters, but not at the ends.
# Fillers, variation selectors and tags of emoji are among them.
INVISIBLE = (
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e007f]"
)
# Words for "no value". People are called Nan and Null, so a required text only excludes the words that name nobody.
NO_VALUE = r"(?i)^(none|null|n/a|n\.a\.|na|nan|nil)$"
# In dates, numbers and choices a dash means none too. As a text it may stand for something.
NO_TYPED_VALUE = r"(?i)^(none|null|n/a|n\.a\.|na|nan|nil|-+|\u2013|\u2014)$"
NO_REQUIRED_VALUE = r"(?i)^(none|n/a|n\.a\.)$"
# What a spreadsheet makes of a long number: 4.70122E+12, or 1001.0.
SHORTENED_NUMBER = r"^([0-9]([.,][0-9]+)?[eE]\+?[0-9]+|[0-9]+\.0+)$"
SHORTENED_REASON = "A spreadsheet has shortened or changed this number."

_ENDS = re.compile(rf"^(?:\s|{INVISIBLE})+|(?:\s|{INVISIBLE})+$")
_UNSEEN = re.compile(rf"{INVISIBLE}|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def clean_text(text: str) -> str:
    """Return the text in NFC, without invisible characters that mean nothing, and with single spaces."""
    visible = re.sub(MEANINGLESS, "", _ENDS.sub("", text))
    return " ".join(normalize("NFC", visible).split())


def clean_key(text: str) -> str:
    """Return the text of a key in NFC, without any invisible characters, and with single spaces."""
    return clean_text(re.sub(INVISIBLE, "", text))


def show_invisible(text: str) -> str:
    """Return the text with its invisible and control characters as code points, such as [U+200B]."""
    return _UNSEEN.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)
