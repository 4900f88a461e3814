"""The sections of the help about signing in and the own account."""

from healthtrack.core.help import HelpSection

HELP = (
    HelpSection(
        "lists",
        "Columns, order and filters of lists",
        25,
        ("sign-in:list-settings",),
        "sort rows page size choose hide",
    ),
    HelpSection(
        "sign-in",
        "Sign in",
        150,
        ("admin:login", "admin:logout", "sign-in:code", "sign-in:enrol", "sign-in:idle", "sign-in:stay"),
        "password code lost phone locked two-factor",
    ),
    HelpSection(
        "account",
        "Account security and preferences",
        160,
        ("sign-in:*", "admin:password_change*"),
        "password recovery codes sessions time zone date format",
    ),
)
