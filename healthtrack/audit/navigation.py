"""The entries of this app in the navigation."""

from collections.abc import Iterator

from healthtrack.core.navigation import Entry
from healthtrack.core.permissions import has_all

SECTION = "Administration"


def entries() -> Iterator[Entry]:
    """Yield the entries of the activity log and the access log."""
    yield Entry(SECTION, "Activity log", "changes", 50, has_all("audit.view_change"))
    yield Entry(SECTION, "Access log", "accesses", 60, has_all("audit.view_access"))
