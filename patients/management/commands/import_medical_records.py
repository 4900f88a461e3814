from healthtrack.imports.commands import ImportCommand


class Command(ImportCommand):
    help = "Import medical records, and link the patients to the tracker models that they report."
    importer = "patients.medicalrecord"
