"""The entries of this app in the navigation."""

from collections.abc import Iterator

from healthtrack.core.navigation import Entry
from healthtrack.imports.permissions import can_upload, can_view_runs


def entries() -> Iterator[Entry]:
    yield Entry("Imports", "All imports", "admin:imports_importrun_changelist", 10, can_view_runs)
    yield Entry("Imports", "Upload a file", "admin:imports_importrun_new", 20, can_upload)
    yield Entry("Imports", "Profiles", "admin:imports_readingprofile_changelist", 30, can_upload)
