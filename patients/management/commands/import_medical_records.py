from healthtrack.imports.commands import ImportCommand


class Command(ImportCommand):
    help = "Imports patients' medical records, and links the patients to the tracker models they name."
    importer = "patients.medicalrecord"
