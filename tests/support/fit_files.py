"""Write FIT files: messages with a definition each, compressed timestamps, fields of developers, wrong checksums."""

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from fitdecode.utils import compute_crc

EPOCH = datetime(1989, 12, 31, tzinfo=UTC)
# By name of a field: its number, and the type of its values as FIT and as Python's struct name it.
_UINT8, _UINT16, _UINT32, _SINT16, _ENUM, _BYTE = (2, "B"), (0x84, "H"), (0x86, "I"), (0x83, "h"), (0, "B"), (0x0D, "B")
_UINT32Z = (0x8C, "I")
_TIMESTAMP = {"timestamp": (253, *_UINT32)}
MESSAGES: Mapping[str, tuple[int, Mapping[str, tuple[int, int, str]]]] = {
    "file_id": (
        0,
        {"type": (0, *_ENUM), "manufacturer": (1, *_UINT16), "product": (2, *_UINT16), "serial_number": (3, *_UINT32Z)},
    ),
    "user_profile": (3, {"age": (2, *_UINT8)}),
    "session": (18, {"start_time": (2, *_UINT32), "sport": (5, *_ENUM), "total_elapsed_time": (7, *_UINT32)}),
    "record": (20, {"position_lat": (0, 0x85, "i"), "heart_rate": (3, *_UINT8), "distance": (5, *_UINT32)}),
    "device_info": (23, {"device_index": (0, *_UINT8), "serial_number": (3, *_UINT32Z)}),
    "weight_scale": (30, {"weight": (0, *_UINT16), "percent_fat": (1, *_UINT16), "user_profile_index": (12, *_UINT16)}),
    "activity": (34, {"local_timestamp": (5, *_UINT32)}),
    "blood_pressure": (51, {"systolic_pressure": (0, *_UINT16), "diastolic_pressure": (1, *_UINT16)}),
    "monitoring": (
        55,
        {
            "distance": (2, *_UINT32),
            "cycles": (3, *_UINT32),
            "activity_type": (5, *_ENUM),
            "active_calories": (19, *_UINT16),
            "current_activity_type_intensity": (24, *_BYTE),
            "timestamp_16": (26, *_UINT16),
            "heart_rate": (27, *_UINT8),
        },
    ),
    "monitoring_info": (103, {"local_timestamp": (0, *_UINT32)}),
    "developer_data_id": (207, {"developer_data_index": (3, *_UINT8)}),
    "monitoring_hr_data": (211, {"current_day_resting_heart_rate": (1, *_UINT8)}),
    "stress_level": (227, {"stress_level_value": (0, *_SINT16), "stress_level_time": (1, *_UINT32)}),
    "spo2_data": (269, {"reading_spo2": (0, *_UINT8)}),
    "sleep_level": (275, {"sleep_level": (0, *_ENUM)}),
    "respiration_rate": (297, {"respiration_rate": (0, *_SINT16)}),
    "hrv_value": (371, {"value": (0, *_UINT16)}),
}


def seconds(text: str) -> int:
    """Return a time of ISO 8601 as FIT counts it."""
    return int((datetime.fromisoformat(text) - EPOCH).total_seconds())


class FitFile:
    """A FIT file, to which messages are added in their order."""

    def __init__(self) -> None:
        self.body = b""

    def define(self, local: int, name: str, fields: Sequence[str], developer: Sequence[tuple[int, int]] = ()) -> None:
        """Define a local message; `developer` has number and size of fields that developers of apps define."""
        number, types = MESSAGES[name]
        types = {**types, **_TIMESTAMP}
        header = struct.pack("<BBBHB", 0x40 | local | (0x20 if developer else 0), 0, 0, number, len(fields))
        definitions = [struct.pack("3B", types[f][0], struct.calcsize(types[f][2]), types[f][1]) for f in fields]
        extra = [struct.pack("B", len(developer)), *(struct.pack("3B", *f, 0) for f in developer)] if developer else []
        self.body += b"".join([header, *definitions, *extra])

    def add(self, name: str, **values: int) -> "FitFile":
        """Add a message that has these fields."""
        self.define(0, name, list(values))
        types = {**MESSAGES[name][1], **_TIMESTAMP}
        packed = [struct.pack(f"<{types[field][2]}", value) for field, value in values.items()]
        self.body += b"\0" + b"".join(packed)
        return self

    def add_raw(self, data: bytes) -> "FitFile":
        self.body += data
        return self

    def make(self, *, size: int | None = None) -> bytes:
        """Return the file. `size` is what its header says instead of its length."""
        header = struct.pack("<2BHI4s", 14, 0x10, 2100, len(self.body) if size is None else size, b".FIT")
        data = header + struct.pack("<H", compute_crc(header)) + self.body
        return data + struct.pack("<H", compute_crc(data))


def begin(serial_number: int = 3333, **values: int) -> FitFile:
    """Return a file of a Garmin watch that says who wrote it."""
    return FitFile().add("file_id", type=4, manufacturer=1, product=1837, serial_number=serial_number, **values)
