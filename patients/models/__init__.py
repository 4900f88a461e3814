"""The tables of patients: their records and links, and what merges and reports need."""

from patients.models.former_numbers import FormerNumber
from patients.models.patient_counts import PatientCount
from patients.models.records import (
    MAX_TERM_CHARACTERS,
    PATIENT,
    Gender,
    MedicalRecord,
    MedicalRecordTracker,
    PatientNumber,
)

__all__ = [
    "MAX_TERM_CHARACTERS",
    "PATIENT",
    "FormerNumber",
    "Gender",
    "MedicalRecord",
    "MedicalRecordTracker",
    "PatientCount",
    "PatientNumber",
]
