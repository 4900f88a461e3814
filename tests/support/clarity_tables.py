"""Tables of Dexcom Clarity."""

COLUMNS = (
    "Index,Timestamp (YYYY-MM-DDThh:mm:ss),Event Type,Event Subtype,Patient Info,Device Info,Source Device ID,"
    "Glucose Value ({unit}),Insulin Value (u),Carb Value (grams),Duration (hh:mm:ss),"
    "Glucose Rate of Change ({unit}/min),Transmitter Time (Long Integer),Transmitter ID"
)
PREAMBLE = """\
1,,FirstName,,Anna,,,,,,,,,
2,,LastName,,Example,,,,,,,,,
3,,DateOfBirth,,1970-01-01,,,,,,,,,
4,,Device,,,Dexcom G6 Mobile App,Android G6,,,,,,,
5,,Alert,High,,,Android G6,200,,,,,,
"""


def value(index: int, time: str, glucose: str, clock: str = "") -> str:
    """Return a row with the value of a sensor."""
    return f"{index},{time},EGV,,,,Android G6,{glucose},,,,,{clock},8ABC12\n"
