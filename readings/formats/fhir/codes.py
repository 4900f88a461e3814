"""What codes of LOINC mean, and whose the other types of resources are."""

import re
from collections.abc import Mapping
from typing import Any

LOINC = "http://loinc.org"
# What systems write for it, too.
LOINC_NAMES = {LOINC, "https://loinc.org", "http://loinc.org/", "urn:oid:2.16.840.1.113883.6.1"}
# The code system of our metrics, for those that have no code of LOINC.
OWN = "urn:uuid:4d7f6f0e-8f4b-4d0c-9a57-2a3c1f5f9b61"
UCUM = "http://unitsofmeasure.org"
# By LOINC code: the code of our metric. Several codes tell methods or units apart that are one metric here.
METRICS: Mapping[str, str] = {
    "8867-4": "heart_rate",
    "40443-4": "resting_heart_rate",
    "80404-7": "hrv_sdnn",
    "55423-8": "steps",
    "41950-7": "daily_steps",
    "41979-6": "daily_energy",
    "93832-4": "sleep",
    "99504-3": "glucose",
    "105272-9": "glucose",
    "2339-0": "blood_glucose",
    "15074-8": "blood_glucose",
    "41653-7": "blood_glucose",
    "14743-9": "blood_glucose",
    "59408-5": "oxygen_saturation",
    "2708-6": "oxygen_saturation",
    "9279-1": "respiratory_rate",
    "8480-6": "systolic_pressure",
    "8462-4": "diastolic_pressure",
    "8310-5": "body_temperature",
    "29463-7": "weight",
    "3141-9": "weight",
    "8302-2": "height",
    "39156-5": "body_mass_index",
}
# Amounts in an interval: each sample of a series lasts until the next one.
INTERVALS = {"steps", "sleep", "distance", "active_energy"}
# One value for a day, of which the date is enough.
DAILY = {"daily_steps", "daily_energy", "resting_heart_rate"}
# Units as people write them, in lower case, where no code of UCUM is stated.
UNITS: Mapping[str, str] = {
    "bpm": "/min",
    "beats/min": "/min",
    "beats/minute": "/min",
    "beats per minute": "/min",
    "breaths/min": "/min",
    "breaths/minute": "/min",
    "breaths per minute": "/min",
    "mmhg": "mm[Hg]",
    "mm hg": "mm[Hg]",
    "steps": "{steps}",
    "percent": "%",
    "°c": "Cel",
    "deg c": "Cel",
    "degc": "Cel",
    "degrees c": "Cel",
    "celsius": "Cel",
    "°f": "[degF]",
    "deg f": "[degF]",
    "degf": "[degF]",
    "degrees f": "[degF]",
    "fahrenheit": "[degF]",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "in": "[in_i]",
    "inch": "[in_i]",
    "inches": "[in_i]",
    "kg/m²": "kg/m2",
    "kg/m^2": "kg/m2",
}
FOR_RECORDS = frozenset(
    {"Patient", "Condition", "AllergyIntolerance", "MedicationRequest", "MedicationStatement", "Encounter"}
)
# Types and codes of FHIR: anything else could be about a person.
CODE = re.compile(r"[A-Za-z][A-Za-z-]{1,60}")


def get_code(content: Mapping[str, Any], name: str) -> str:
    """Return a text that programs read, such as a code or time, as it is; empty if it is missing or no text."""
    value = content.get(name)
    return value if isinstance(value, str) else ""
