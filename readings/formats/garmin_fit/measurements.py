"""What the fields of FIT messages measure, and which messages are not imported."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from readings.formats.garmin_fit.messages import Message


class Field(NamedTuple):
    """A field with a measurement: value = number in the file / `scale`. Higher numbers than `highest` mean no value."""

    name: str
    metric: str
    unit: str
    scale: int = 1
    highest: int = 2**16


_HEART_RATE = Field("heart_rate", "heart_rate", "/min")
MEASUREMENTS: Mapping[str, Sequence[Field]] = {
    "record": [_HEART_RATE],
    "weight_scale": [
        Field("weight", "weight", "kg", 100, 0xFFFD),  # above that, the scale was still weighing
        Field("bmi", "body_mass_index", "kg/m2", 10),
    ],
    "blood_pressure": [
        Field("systolic_pressure", "systolic_pressure", "mm[Hg]"),
        Field("diastolic_pressure", "diastolic_pressure", "mm[Hg]"),
        _HEART_RATE,
    ],
    "respiration_rate": [Field("respiration_rate", "respiratory_rate", "/min", 100)],
    "spo2_data": [Field("reading_spo2", "oxygen_saturation", "%")],
    "hrv_value": [Field("value", "hrv_rmssd", "ms", 128)],
    "monitoring_hr_data": [Field("current_day_resting_heart_rate", "resting_heart_rate", "/min")],
}
_FIELDS = {**MEASUREMENTS, "monitoring": [_HEART_RATE]}
_NO_CONTACT = "records of a sensor without contact"
_POSITIONS = "positions"
_WORKOUT_VALUES = "records with speed, cadence, power or altitude"
_BODY_VALUES = "records with body fat, water, muscle or bone"
# By message: fields beside the measurements, and what they are.
_BESIDE: Mapping[str, Sequence[tuple[str, Sequence[str]]]] = {
    "record": [
        (_POSITIONS, ["position_lat"]),
        (_WORKOUT_VALUES, ["speed", "enhanced_speed", "cadence", "power", "altitude", "enhanced_altitude"]),
    ],
    "weight_scale": [(_BODY_VALUES, ["percent_fat", "percent_hydration", "muscle_mass", "bone_mass"])],
}
NOT_IMPORTED: Mapping[str, str] = {
    "lap": "laps",
    "length": "laps",
    "split": "laps",
    "gps_metadata": _POSITIONS,
    "course_point": _POSITIONS,
    "segment_point": _POSITIONS,
    "location": _POSITIONS,
    "hrv": "times between heart beats",
    "beat_intervals": "times between heart beats",
    "hr": "heart rate that a chest strap stored",
    "stress_level": "stress levels",
    "hsa_stress_data": "stress levels",
    "hrv_status_summary": "summaries of heart rate variability",
    "sleep_assessment": "sleep scores",
    "skin_temp_overnight": "skin temperatures",
    "user_profile": "user profiles",
    "max_met_data": "fitness estimates",
}
# Messages that describe the file, the device or its settings.
STRUCTURE = frozenset(
    [
        "file_id",
        "file_creator",
        "event",
        "device_info",
        "device_settings",
        "software",
        "activity",
        "sport",
        "workout",
        "workout_step",
        "session",
        "timestamp_correlation",
        "developer_data_id",
        "field_description",
        "capabilities",
        "file_capabilities",
        "mesg_capabilities",
        "field_capabilities",
        "zones_target",
        "hr_zone",
        "power_zone",
        "met_zone",
        "speed_zone",
        "cadence_zone",
        "hrm_profile",
        "sdm_profile",
        "bike_profile",
        "slave_device",
        "connectivity",
        "watchface_settings",
        "ohr_settings",
        "time_in_zone",
        "training_settings",
        "device_aux_battery_info",
        "training_file",
        "pad",
        "three_d_sensor_calibration",
        "goal",
        "totals",
    ]
)


def find_values(message: Message) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Return the measurements of a message as metric, value and unit, and what of it is not imported."""
    values, left_out = [], []
    for field in _FIELDS[message.name]:
        number = message.values.get(field.name)
        if number is None or number > field.highest:
            continue
        if number <= 0:
            left_out.append(_NO_CONTACT)
        else:
            values.append((field.metric, f"{Decimal(number) / field.scale:f}", field.unit))
    for label, names in _BESIDE.get(message.name, ()):
        if any(name in message.values for name in names):
            left_out.append(label)
    return values, left_out
