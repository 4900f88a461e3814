from healthtrack.imports.commands import ImportCommand


class Command(ImportCommand):
    help = "Import devices."
    importer = "readings.device"
