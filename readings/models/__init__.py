"""What is measured, the devices that measure it, who wore them, and the readings themselves.

The tables of streams, days, contributions, episodes and exclusions may be distributed over several machines. So each of
their keys begins with the patient's number, and they have neither triggers nor foreign keys: the program checks that
patients exist, and writes their history (docs/decisions/0040-readings-as-day-rows.md).
"""

from readings.models.days import Contribution, Episode, Exclusion, ReadingDay, ReadingRun
from readings.models.devices import Consent, Device, DeviceAssignment, Metric
from readings.models.streams import ReadingStream, StreamDevice

# The models of the tables that may be distributed.
DISTRIBUTABLE = (ReadingStream, StreamDevice, ReadingDay, Contribution, Episode, Exclusion)

__all__ = [
    "DISTRIBUTABLE",
    "Consent",
    "Contribution",
    "Device",
    "DeviceAssignment",
    "Episode",
    "Exclusion",
    "Metric",
    "ReadingDay",
    "ReadingRun",
    "ReadingStream",
    "StreamDevice",
]
