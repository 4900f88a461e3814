"""The importers of tables of this app, as they are registered; that of readings is in `importing`."""

from healthtrack.imports.tabular.importer import TabularImporter
from readings.resources import DeviceAssignmentResource, DeviceResource

devices = TabularImporter("readings.device", DeviceResource)
device_assignments = TabularImporter("readings.deviceassignment", DeviceAssignmentResource)
