"""The sections of the help about readings and devices."""

from healthtrack.core.help import HelpSection

HELP = (
    HelpSection(
        "readings",
        "A patient's readings",
        125,
        ("readings:*",),
        "chart heart rate glucose steps exclude consent withdrawal csv",
    ),
    HelpSection(
        "devices",
        "Devices, and who wore them",
        130,
        (*(f"admin:readings_device*_{page}" for page in ("add", "change", "changelist")), "unassigned-sources:*"),
        "serial number assignment handover watch sensor source unassigned",
    ),
)
