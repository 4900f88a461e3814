"""Imports of patients and models; a test gives only what decides about links."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.finished_imports import Imported, import_file
from tests.support.tracker_links import ImportModels, ImportRecords, brand_and_name


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


@pytest.fixture
def import_records(file: Path) -> ImportRecords:
    """Import patients, given as numbers with reported trackers."""

    def imported(trackers: dict[str, str], *, dry_run: bool = False, name: str = "Ada Byron") -> Imported:
        rows = [record_row(patient_id, name, tracker) for patient_id, tracker in trackers.items()]
        return import_rows("patients.medicalrecord", file, rows, dry_run=dry_run)

    return imported


@pytest.fixture(params=["trackers.fitnesstracker", "trackers.trackermodel"])
def import_models(request: pytest.FixtureRequest, file: Path) -> ImportModels:
    """Import models, each with a variant or alone."""

    def imported(*models: str, dry_run: bool = False) -> Imported:
        return import_rows(request.param, file, list(map(variant_row, models)), dry_run=dry_run)

    return imported


def record_row(patient_id: str, name: str, tracker: str) -> dict[str, str]:
    return {
        "patient_id": patient_id,
        "name": name,
        "date_of_birth": "05/17/1980",
        "gender": "F",
        "medical_conditions": "None",
        "medications": "No",
        "allergies": "None",
        "last_appointment_date": "01/31/2024",
        "Tracker": tracker,
    }


def variant_row(model: str) -> dict[str, str]:
    brand, name = brand_and_name(model)
    return {
        "Brand Name": f"{brand} ",
        "Device Type": "FitnessBand",
        "Model Name": name,
        "Color": "Black",
        "Selling Price": "2,499",
        "Original Price": "2,999",
        "Display": "AMOLED",
        "Rating (Out of 5)": "4.1",
        "Strap Material": "Leather",
        "Average Battery Life (in days)": "14",
        "Reviews": "",
    }


def import_rows(importer: str, file: Path, rows: Sequence[dict[str, str]], *, dry_run: bool) -> Imported:
    with file.open("w", newline="", encoding="utf-8-sig") as opened:
        writer = csv.DictWriter(opened, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    result = import_file(importer, file, dry_run=dry_run)
    assert result.errors == []
    return result
