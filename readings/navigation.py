"""The entries of this app in the navigation."""

from collections.abc import Iterator

from healthtrack.core.navigation import Entry
from healthtrack.core.permissions import has_all


def entries() -> Iterator[Entry]:
    viewers = has_all("readings.view_readingday", "patients.view_medicalrecord")
    yield Entry("Records", "Readings", "readings:patients", 20, viewers, title="Patients with readings")
    yield Entry("Trackers", "Devices", "admin:readings_device_changelist", 40, has_all("readings.view_device"))
    sources = has_all("readings.view_readingstream", "readings.view_device", "readings.view_deviceassignment")
    yield Entry("Trackers", "Unassigned sources", "unassigned-sources:list", 44, sources)
    worn = has_all("readings.view_deviceassignment")
    yield Entry("Trackers", "Device assignments", "admin:readings_deviceassignment_changelist", 42, worn)
