"""The entries of this app in the navigation."""

from collections.abc import Iterator

from healthtrack.core.navigation import Entry
from healthtrack.core.permissions import has_all


def entries() -> Iterator[Entry]:
    records = has_all("patients.view_medicalrecord")
    names = has_all("trackers.view_trackeralias", "patients.view_medicalrecord")
    yield Entry("Records", "Records", "admin:patients_medicalrecord_changelist", 10, records)
    yield Entry("Trackers", "Tracker names", "tracker-names:list", 30, names)
