from collections.abc import Iterator

from healthtrack.core.navigation import Entry
from healthtrack.core.permissions import has_all

SECTION = "Administration"


def entries() -> Iterator[Entry]:
    """Yield the entry of the restores."""
    yield Entry(SECTION, "Restores", "admin:operations_restore_changelist", 70, has_all("operations.view_restore"))
