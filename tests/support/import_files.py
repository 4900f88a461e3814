"""The files that the tests import: valid rows of each kind, written in any of the formats."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from django.db.models import Model
from openpyxl import Workbook

from healthtrack.imports.tables.resources import BulkModelResource
from patients.models import MedicalRecord, MedicalRecordTracker
from patients.resources import MedicalRecordResource
from tests.support.finished_imports import Imported, import_file
from trackers.models import FitnessTracker, TrackerModel
from trackers.resources import FitnessTrackerResource, TrackerModelResource

FIXTURES = Path(__file__).parent.parent / "healthtrack" / "imports" / "fixtures"
TABLES: tuple[type[Model], ...] = (TrackerModel, FitnessTracker, MedicalRecord, MedicalRecordTracker)

Row = Mapping[str, object]


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of file: its resource, pages and command, and a valid row whose `numbered` column identifies it."""

    resource: type[BulkModelResource]
    page: str
    row: Row
    numbered: str
    command: str = ""

    def __str__(self) -> str:
        return self.page

    @property
    def importer(self) -> str:
        return str(self.resource._meta.model._meta.label_lower)

    @property
    def steward(self) -> tuple[str, str]:
        """Return the permissions that an import needs."""
        return self.page.replace("/", ".view_"), self.page.replace("/", ".import_")

    def rows(self, *changes: Row) -> list[Row]:
        """Return a valid row for each of the changes, with that change."""
        return [
            {**self.row, self.numbered: f"{self.row[self.numbered]}{number}", **change}
            for number, change in enumerate(changes, 1)
        ]

    def run(self, path: Path, *, dry_run: bool = False) -> Imported:
        return import_file(self.importer, path, dry_run=dry_run)

    def address(self, action: str) -> str:
        return f"/admin/{self.page}/{action}/"


RECORDS = Kind(
    MedicalRecordResource,
    "patients/medicalrecord",
    {
        "patient_id": "P",
        "name": "Ada Byron",
        "date_of_birth": "05/17/1980",
        "gender": "F",
        "medical_conditions": "Asthma",
        "medications": "No",
        "allergies": "None",
        "last_appointment_date": "06/14/2024",
        "Tracker": "Band 2",
    },
    "patient_id",
    "import_medical_records",
)
CATALOGUE = Kind(
    FitnessTrackerResource,
    "trackers/fitnesstracker",
    {
        "Brand Name": "Xiaomi",
        "Device Type": "FitnessBand",
        "Model Name": "Band 2",
        "Color": "Shade ",
        "Selling Price": "2,499",
        "Original Price": "2,999",
        "Display": "AMOLED Display",
        "Rating (Out of 5)": "4.1",
        "Strap Material": "Leather",
        "Average Battery Life (in days)": "14",
        "Reviews": "",
    },
    "Color",
    "import_fitness_trackers",
)
MODELS = Kind(
    TrackerModelResource,
    "trackers/trackermodel",
    {"Brand Name": "Xiaomi", "Device Type": "FitnessBand", "Model Name": "Band "},
    "Model Name",
)


def write_csv(path: Path, rows: Iterable[Row], delimiter: str = ",", encoding: str = "utf-8-sig") -> Path:
    rows = list(rows)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_xlsx(path: Path, rows: Iterable[Row]) -> Path:
    rows = list(rows)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Rows")
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    book.save(path)
    return path


def write_parts(path: Path, parts: Mapping[str, str | bytes]) -> Path:
    """Write a ZIP archive, such as a workbook."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def tables() -> dict[str, list[dict[str, Any]]]:
    """Return all rows that an import could change, by model."""
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in TABLES}


def links() -> set[tuple[str, str, str]]:
    """Return each link as patient, brand and model."""
    found = MedicalRecordTracker.objects.values_list("patient_id", "model__brand_name", "model__model_name")
    return set(found)
