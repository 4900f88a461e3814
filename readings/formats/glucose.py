"""What the tables of glucose sensors have in common: units in headers, and values beyond the limits of the sensor."""

import re

_UNITS = (
    ("mg/dL", re.compile(r"mg\s*/\s*d[l\u2113]|мг\s*/\s*дл", re.IGNORECASE)),
    ("mmol/L", re.compile(r"mmol\s*/\s*l|ммоль\s*/\s*л", re.IGNORECASE)),
)
_LOW = {"low", "lo", "niedrig", "bas", "bajo", "basso", "baixo", "laag"}
_HIGH = {"high", "hi", "hoch", "haut", "élevé", "alto", "hoog"}
_DECIMAL_COMMA = re.compile(r"\d+,\d+")


def find_unit(header: str) -> str | None:
    """Return the UCUM unit of glucose that a header names; None if it names none."""
    return next((unit for unit, form in _UNITS if form.search(header)), None)


def read_glucose(text: str, limits: tuple[str, str]) -> str:
    """Return the text of a number. Low and high become the values just beyond the limits of the sensor."""
    word = text.lower().strip("<> .")
    if word in _LOW:
        return limits[0]
    if word in _HIGH:
        return limits[1]
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text
