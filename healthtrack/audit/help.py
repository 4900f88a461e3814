"""The section of the help about the logs."""

from healthtrack.core.help import HelpSection

HELP = (
    HelpSection(
        "logs",
        "Activity log, access log and sign-in events",
        190,
        ("changes", "accesses", "sign-in-events"),
        "who viewed changed audit",
    ),
)
