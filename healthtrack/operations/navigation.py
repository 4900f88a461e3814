"""The entries of this app in the navigation."""

from collections.abc import Iterator

from healthtrack.core.navigation import Entry
from healthtrack.core.permissions import has_all

SECTION = "Administration"


def entries() -> Iterator[Entry]:
    """Yield the entries of the system status and the restores."""
    yield Entry(SECTION, "System status", "system-status", 60, has_all("operations.view_systemstatus"))
    yield Entry(SECTION, "Restores", "admin:operations_restore_changelist", 70, has_all("operations.view_restore"))
