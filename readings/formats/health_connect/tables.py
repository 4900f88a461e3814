"""The tables of Health Connect that have readings, and what is in their columns."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Value(NamedTuple):
    """A column with values of a metric. Health Connect converts what apps write into one unit for each column."""

    column: str
    metric: str
    unit: str


# Tables whose rows are values at an instant: `time` in milliseconds, `zone_offset` in seconds.
INSTANTS: Mapping[str, Sequence[Value]] = {
    "blood_glucose_record_table": [Value("level", "blood_glucose", "mmol/L")],
    "blood_pressure_record_table": [
        Value("systolic", "systolic_pressure", "mm[Hg]"),
        Value("diastolic", "diastolic_pressure", "mm[Hg]"),
    ],
    "body_temperature_record_table": [Value("temperature", "body_temperature", "Cel")],
    "heart_rate_variability_rmssd_record_table": [Value("heart_rate_variability_millis", "hrv_rmssd", "ms")],
    "height_record_table": [Value("height", "height", "m")],
    "oxygen_saturation_record_table": [Value("percentage", "oxygen_saturation", "%")],
    "respiratory_rate_record_table": [Value("rate", "respiratory_rate", "/min")],
    "resting_heart_rate_record_table": [Value("beats_per_minute", "resting_heart_rate", "/min")],
    "weight_record_table": [Value("weight", "weight", "g")],
}
# Tables whose rows are amounts in an interval.
INTERVALS: Mapping[str, Sequence[Value]] = {
    "active_calories_burned_record_table": [Value("energy", "active_energy", "cal")],
    "distance_record_table": [Value("distance", "distance", "m")],
    "steps_record_table": [Value("count", "steps", "{steps}")],
}
# The specimen of a glucose reading: a sensor measures in the interstitial fluid.
SPECIMEN, INTERSTITIAL_FLUID, SENSOR_GLUCOSE = "specimen_source", "1", "glucose"
HEART_RATE, HEART_RATES = "heart_rate_record_table", "heart_rate_record_series_table"
SLEEP, SLEEP_STAGES = "sleep_session_record_table", "sleep_stages_table"
WORKOUTS = "exercise_session_record_table"
READ = {*INSTANTS, *INTERVALS, HEART_RATE, SLEEP, WORKOUTS}
# Contents of a person that have no key of their own.
ROUTES = ("exercise_route_table",)

STAGES = {"1": "awake", "2": "asleep", "3": "awake", "4": "light", "5": "deep", "6": "rem", "7": "awake"}
# By number of the type, from 0.
SPORTS = (
    "", "badminton", "baseball", "basketball", "biking", "stationary biking", "boot camp", "boxing", "calisthenics",
    "cricket", "dancing", "exercise class", "fencing", "American football", "Australian football", "frisbee", "golf",
    "guided breathing", "gymnastics", "handball", "interval training", "hiking", "ice hockey", "ice skating",
    "martial arts", "paddling", "paragliding", "pilates", "racquetball", "rock climbing", "roller hockey", "rowing",
    "rugby", "running", "treadmill running", "sailing", "scuba diving", "skating", "skiing", "snowboarding",
    "snowshoeing", "soccer", "softball", "squash", "stair climbing", "strength training", "stretching", "surfing",
    "open water swimming", "pool swimming", "table tennis", "tennis", "volleyball", "walking", "water polo",
    "weightlifting", "wheelchair", "yoga", "other workout", "stair climbing machine", "elliptical", "rowing machine",
)  # fmt: skip
