"""The section of the help about devices."""

from healthtrack.core.help import HelpSection

HELP = (
    HelpSection(
        "devices",
        "Devices, and who wore them",
        130,
        tuple(f"admin:readings_device*_{page}" for page in ("add", "change", "changelist")),
        "serial number assignment handover watch sensor",
    ),
)
