"""The measures of Open mHealth and IEEE 1752.1 by their names in a body, and their units in UCUM."""

from collections.abc import Mapping
from typing import NamedTuple

_MASS = {"kg": "kg", "g": "g", "lb": "[lb_av]"}
_LENGTH = {"m": "m", "km": "km", "cm": "cm", "mm": "mm", "in": "[in_i]", "ft": "[ft_i]", "mi": "[mi_i]"}
_DURATION = {"sec": "s", "min": "min", "h": "h"}


class Measure(NamedTuple):
    """A metric, UCUM units by the names of the standard, and the unit of numbers that state none, if there is one."""

    metric: str
    units: Mapping[str, str]
    unit: str = ""


_STEPS = Measure("steps", {"steps": "{steps}"}, "{steps}")
# The first versions wrote steps as a number without a unit.
MEASURES: Mapping[str, Measure] = {
    "heart_rate": Measure("heart_rate", {"beats/min": "/min"}),
    "respiratory_rate": Measure("respiratory_rate", {"breaths/min": "/min"}),
    "step_count": _STEPS,
    "blood_glucose": Measure("blood_glucose", {"mg/dL": "mg/dL", "mmol/L": "mmol/L"}),
    "systolic_blood_pressure": Measure("systolic_pressure", {"mmHg": "mm[Hg]"}),
    "diastolic_blood_pressure": Measure("diastolic_pressure", {"mmHg": "mm[Hg]"}),
    "oxygen_saturation": Measure("oxygen_saturation", {"%": "%"}),
    "body_temperature": Measure("body_temperature", {"C": "Cel", "F": "[degF]", "K": "K"}),
    "body_weight": Measure("weight", _MASS),
    "body_height": Measure("height", _LENGTH),
    "body_mass_index": Measure("body_mass_index", {"kg/m^2": "kg/m2", "kg/m2": "kg/m2"}),
    "sleep_duration": Measure("sleep", _DURATION),
    "total_sleep_time": Measure("sleep", _DURATION),
}
# What a physical activity was besides its time.
OF_ACTIVITIES: Mapping[str, Measure] = {
    "distance": Measure("distance", _LENGTH),
    "kcal_burned": Measure("active_energy", {"kcal": "kcal"}),
    "base_movement_quantity": _STEPS,
}
# Amounts in an interval, whose sum is not a statistic but the amount itself.
AMOUNTS = {"steps", "sleep", "distance", "active_energy"}
SENSOR_GLUCOSE = "glucose"
SLEEP_STAGES = {
    "REM_sleep": "rem",
    "Light_sleep": "light",
    "Deep_sleep": "deep",
    "Unknown_sleep": "asleep",
    "Awake": "awake",
}
