"""The sections of the help about users, roles and emergency access."""

from healthtrack.core.help import HelpSection

HELP = (
    HelpSection("people", "Users and roles", 170, ("admin:auth_*", "roles"), "add person permission reset deactivate"),
    HelpSection(
        "emergency",
        "Emergency access",
        180,
        ("*emergency-access", "admin:roles_emergencyaccess*"),
        "break glass reason",
    ),
)
