"""The sections of the help about reports and saved views."""

from healthtrack.core.help import HelpSection

HELP = (
    HelpSection("reports", "Reports", 130, ("reports:*",), "chart table filter print age on confidence"),
    HelpSection("saved-views", "Saved views", 140, ("reports:*view*",), "share filters"),
)
