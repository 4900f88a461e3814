"""The section of the help about the catalogue."""

from healthtrack.core.help import HelpSection

HELP = (
    HelpSection(
        "catalogue",
        "Tracker models and variants",
        110,
        tuple(f"admin:trackers_*_{page}" for page in ("add", "change", "changelist")),
        "catalogue price missing model",
    ),
)
