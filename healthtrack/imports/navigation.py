from collections.abc import Iterator

from healthtrack.core.navigation import Entry
from healthtrack.imports.permissions import can_view_runs


def entries() -> Iterator[Entry]:
    yield Entry("Imports", "All imports", "admin:imports_importrun_changelist", 10, can_view_runs)
