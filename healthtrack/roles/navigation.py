"""The entries of this app in the navigation."""

from collections.abc import Iterator

from healthtrack.core.navigation import Entry
from healthtrack.core.permissions import has_all

SECTION = "Administration"


def entries() -> Iterator[Entry]:
    """Yield the entries of users, roles and emergency accesses."""
    people = has_all("auth.view_user")
    emergencies = has_all("roles.view_emergencyaccess")
    yield Entry(SECTION, "Users", "admin:auth_user_changelist", 10, people)
    yield Entry(SECTION, "Roles", "roles", 30, people, below="admin:auth_group_changelist")
    yield Entry(SECTION, "Emergency accesses", "admin:roles_emergencyaccess_changelist", 40, emergencies)
