"""The importers of this app, as they are registered."""

from healthtrack.imports.tabular.importer import TabularImporter
from patients.fhir.upload import FhirRecords
from patients.resources import MedicalRecordResource

medical_records = TabularImporter("patients.medicalrecord", MedicalRecordResource, [FhirRecords()])
