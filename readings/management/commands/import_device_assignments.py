from healthtrack.imports.commands import ImportCommand


class Command(ImportCommand):
    help = "Import which patients wore which devices."
    importer = "readings.deviceassignment"
