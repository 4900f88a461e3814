"""Escape text that a spreadsheet program would take for a formula, by an apostrophe before it.

An import removes the apostrophe, so that an export followed by an import changes no value.
"""

import re

ESCAPE = "'"
BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads a CSV file in the machine's own encoding
# In texts: an equals sign, a function call, arithmetic, or a call of another program. "+ve HIV" and "@work" are texts.
FORMULA = r"^=|^[\t\r+\-@]+\s*[A-Za-z_.]+\(|^[+\-]\d+(\.\d+)?\s*[+\-*/]\s*\d|^[+\-@].*\|.*!"
# The errors of Excel and LibreOffice in any language, and the number signs of a column that is too narrow.
ERROR = r"(?i)^(#[\w/\u00a1\u00bf]+[!?]|#(N/A|NV|N/D|NB|NIET BESCHIKBAAR|I/T|GETTING_DATA|GEHT NICHT)|##+|Err:\d{3})$"
# What any spreadsheet program takes for, or skips before, the beginning of a formula.
_BEGINNING = r"[=+\-@\t\r\n＝＋－＠]"  # noqa: RUF001  (the wide signs are intended)
ESCAPED_FORMULA = rf"^'+{_BEGINNING}"

_ESCAPED = re.compile(ESCAPED_FORMULA)
_FORMULA_LIKE = re.compile(f"'*{_BEGINNING}")


def escape_formula(value: str) -> str:
    """Return the value with an apostrophe before it if it looks like a formula, and unchanged otherwise."""
    return ESCAPE + value if _FORMULA_LIKE.match(value) else value


def restore_formula(value: str) -> str:
    """Return the value that `escape_formula` was given."""
    return value.removeprefix(ESCAPE) if _ESCAPED.match(value) else value
