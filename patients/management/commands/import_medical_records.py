from healthtrack.imports.commands import ImportCommand
from patients.resources import MedicalRecordResource


class Command(ImportCommand):
    help = "Imports patients' medical records, and links the patients to the tracker models they name."
    resource_class = MedicalRecordResource
