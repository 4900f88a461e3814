from collections.abc import Iterator

from healthtrack.core.navigation import Entry
from healthtrack.core.permissions import has_all

SECTION = "Administration"


def entries() -> Iterator[Entry]:
    yield Entry(SECTION, "Changes", "changes", 50, has_all("audit.view_change"))
    yield Entry(SECTION, "Who saw what", "accesses", 60, has_all("audit.view_access"))
