"""The devices of records: a text of names and values, which begins with an address in the phone's memory."""

import re
from typing import NamedTuple

ADDRESS = r"^<?<?HKDevice: 0x[0-9a-fA-F]+>"
_FIELD = re.compile(
    r", (name|manufacturer|model|hardware|firmware|software|localIdentifier|UDIDeviceIdentifier|creation date):"
)
# By family and the highest number of its models: what the hardware is sold as.
_WATCHES = {
    1: ((2, "Apple Watch (1st generation)"),),
    2: ((4, "Apple Watch Series 2"), (7, "Apple Watch Series 1")),
    3: ((4, "Apple Watch Series 3"),),
    4: ((4, "Apple Watch Series 4"),),
    5: ((4, "Apple Watch Series 5"), (12, "Apple Watch SE")),
    6: (
        (4, "Apple Watch Series 6"),
        (9, "Apple Watch Series 7"),
        (13, "Apple Watch SE (2nd generation)"),
        (17, "Apple Watch Series 8"),
        (18, "Apple Watch Ultra"),
    ),
    7: ((4, "Apple Watch Series 9"), (5, "Apple Watch Ultra 2"), (11, "Apple Watch Series 10")),
}
_HARDWARE = re.compile(r"Watch(\d{1,2}),(\d{1,2})")


class Device(NamedTuple):
    """What tells the devices of one source apart, and the text of the model; empty if unknown."""

    hardware: str
    model: str


def parse_device(text: str) -> Device:
    """Return the device that a text without its address describes."""
    names, values = _FIELD.findall(text), _FIELD.split(text)[2::2]
    found = dict(zip(names, (value.rstrip(">").strip() for value in values), strict=True))
    hardware = found.get("hardware", "")
    if model := _name_watch(hardware):
        return Device(hardware, model)
    if found.get("manufacturer", "").startswith("Apple"):
        return Device(hardware, hardware)
    made = found.get("model") or found.get("name") or ""
    maker = found.get("manufacturer", "")
    return Device(hardware or made, f"{maker} {made}".strip() if made and maker not in made else made)


def _name_watch(hardware: str) -> str:
    """Return the name under which a watch is sold; empty if it is unknown."""
    found = _HARDWARE.fullmatch(hardware)
    models = _WATCHES.get(int(found[1]), ()) if found else ()
    return next((name for last, name in models if found and int(found[2]) <= last), "")
