"""The units of readings, in UCUM's notation, and how they are converted.

Readings are stored in the unit of the file, and converted when they are read.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Conversion:
    """value in the metric's unit = value x `factor` + `addend`. Limits are rounded to `limit_decimals` in the unit."""

    factor: float
    addend: float = 0
    limit_decimals: int | None = None


_SAME = Conversion(1)
# By the unit of a metric: the other units that files may state.
_CONVERSIONS: dict[str, dict[str, Conversion]] = {
    "/min": {"{beats}/min": _SAME, "{breaths}/min": _SAME, "Hz": Conversion(60), "/s": Conversion(60)},
    "ms": {"s": Conversion(1000)},
    "{steps}": {"1": _SAME, "{count}": _SAME},
    "{steps}/d": {"/d": _SAME, "{count}/d": _SAME},
    "m": {"km": Conversion(1000), "cm": Conversion(0.01), "[mi_i]": Conversion(1609.344), "[ft_i]": Conversion(0.3048)},
    "kcal": {"kJ": Conversion(1 / 4.184), "cal": Conversion(0.001), "J": Conversion(1 / 4184)},
    "kcal/d": {"kJ/d": Conversion(1 / 4.184)},
    "min": {"s": Conversion(1 / 60), "h": Conversion(60)},
    # The consensus on glucose gives its limits in both units, in mmol/L with one decimal: 3.9 and 10.0.
    "mg/dL": {"mmol/L": Conversion(18.01559, limit_decimals=1)},
    "%": {"1": Conversion(100)},
    "mm[Hg]": {"kPa": Conversion(7.500617)},
    "Cel": {"[degF]": Conversion(5 / 9, -160 / 9), "K": Conversion(1, -273.15)},
    "kg": {"g": Conversion(0.001), "[lb_av]": Conversion(0.45359237), "[stone_av]": Conversion(6.35029318)},
    "cm": {"m": Conversion(100), "[in_i]": Conversion(2.54), "[ft_i]": Conversion(30.48), "mm": Conversion(0.1)},
    "kg/m2": {},
}


def get_units(unit: str) -> list[str]:
    """Return the units that files may state for a metric with this unit, which comes first."""
    return [unit, *_CONVERSIONS[unit]]


def get_different_units(unit: str) -> list[str]:
    """Return a name for each of these units: those that only differ in name, such as steps and a count, count once."""
    different = {_SAME: unit}
    for name, conversion in _CONVERSIONS[unit].items():
        different.setdefault(conversion, name)
    return [*different.values()]


def get_only_unit(unit: str) -> str | None:
    """Return the unit of values without one, for a metric with this unit; None if there are several."""
    return unit if len(get_different_units(unit)) == 1 else None


def get_conversion(unit: str, own: str) -> Conversion:
    """Return how values in the unit `own` of a stream become values in the unit of its metric."""
    return _SAME if own == unit else _CONVERSIONS[unit][own]


def convert_limit(limit: float, unit: str, own: str) -> float:
    """Return a limit in the unit `unit` of a metric, in the unit `own` of a stream."""
    conversion = get_conversion(unit, own)
    converted = (limit - conversion.addend) / conversion.factor
    return converted if conversion.limit_decimals is None else round(converted, conversion.limit_decimals)
