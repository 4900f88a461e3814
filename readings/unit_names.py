"""How pages write UCUM units."""

from collections.abc import Mapping

from readings.models import Metric

_NAMES: Mapping[str, str] = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "{steps}": "steps",
    "{steps}/d": "steps per day",
    "kcal/d": "kcal per day",
    "kg/m2": "kg/m²",
}
# UCUM says how often, and not of what.
_RATES: Mapping[str, str] = {
    "heart_rate": "beats per minute",
    "resting_heart_rate": "beats per minute",
    "respiratory_rate": "breaths per minute",
}


def name_unit(metric: Metric) -> str:
    """Return the unit of a metric as people write it; other units are written alike."""
    return _RATES.get(metric.code) or _NAMES.get(metric.unit, metric.unit)
