from healthtrack.imports.commands import ImportCommand
from trackers.resources import FitnessTrackerResource


class Command(ImportCommand):
    help = "Imports the catalogue of fitness trackers: tracker models and their variants."
    resource_class = FitnessTrackerResource
