"""How pages write UCUM units."""

from collections.abc import Mapping

_NAMES: Mapping[str, str] = {
    "/min": "per minute",
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "{steps}": "steps",
    "{steps}/d": "steps per day",
    "kcal/d": "kcal per day",
    "kg/m2": "kg/m²",
}


def name_unit(unit: str) -> str:
    """Return the unit as people write it; other units are written alike."""
    return _NAMES.get(unit, unit)
