"""Text that a spreadsheet program would take for a formula: an apostrophe before it keeps it text.

The same sign is taken off again when the file is imported, so a value travels out and back unchanged.
"""

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
GUARD = "'"


def neutralised(value: str) -> str:
    guarded = value.startswith(FORMULA_SIGNS) or (value.startswith(GUARD) and value != GUARD)
    return GUARD + value if guarded else value
