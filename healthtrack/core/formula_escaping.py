"""Text that a spreadsheet program would take for a formula: an apostrophe before it keeps it text.

An import takes the same apostrophe off again, so that a value travels out and back unchanged.
"""

import re

GUARD = "'"
BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads a CSV file in the machine's own encoding
FORMULA = r"^[=+\-@\t\r]"
ERROR = r"^#(DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|SPILL!|CALC!|GETTING_DATA)$"
# With what else some program begins a formula, or looks past.
_BEGINNING = r"[=+\-@\t\r\n＝＋－＠]"  # noqa: RUF001  (wide signs are meant)
GUARDED_FORMULA = rf"^'+{_BEGINNING}"

_TO_GUARD = re.compile(f"'*{_BEGINNING}")


def neutralised(value: str) -> str:
    return GUARD + value if _TO_GUARD.match(value) else value
