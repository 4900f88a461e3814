from healthtrack.imports.commands import ImportCommand


class Command(ImportCommand):
    help = "Import the catalogue of fitness trackers: tracker models and their variants."
    importer = "trackers.fitnesstracker"
