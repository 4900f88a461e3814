"""The entries of this app in the navigation."""

from collections.abc import Iterator

from healthtrack.core.navigation import Entry
from healthtrack.core.permissions import has_all


def entries() -> Iterator[Entry]:
    models, variants = has_all("trackers.view_trackermodel"), has_all("trackers.view_fitnesstracker")
    yield Entry("Trackers", "Models", "admin:trackers_trackermodel_changelist", 10, models)
    yield Entry("Trackers", "Variants", "admin:trackers_fitnesstracker_changelist", 20, variants)
