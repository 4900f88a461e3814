"""The importers of this app, as they are registered."""

from healthtrack.imports.tabular.importer import TabularImporter
from trackers.resources import FitnessTrackerResource, TrackerModelResource

fitness_trackers = TabularImporter("trackers.fitnesstracker", FitnessTrackerResource)
tracker_models = TabularImporter("trackers.trackermodel", TrackerModelResource)
