"""What every command imports at its start: libraries that few commands need are imported where they are used."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.contrib import admin
from procrastinate.contrib.django import app

from healthtrack.core.lazy_modules import import_when_used
from patients.models import MedicalRecord

HEAVY = {
    *("argon2", "croniter.croniter", "dateutil.parser.isoparser", "import_export.admin", "import_export.resources"),
    *("lxml", "openpyxl", "polars", "prometheus_client", "pyrage", "rapidfuzz", "segno", "tablib", "yaml"),
    *("healthtrack.audit.admin_history", "healthtrack.imports.reading.workbook", "healthtrack.imports.tables.engine"),
    *("healthtrack.imports.detection.reading_form", "healthtrack.imports.tabular.preview"),
    *("healthtrack.imports.tabular.upload_help", "healthtrack.imports.undo.service", "healthtrack.urls", "orjson"),
    *("patients.admin", "patients.fhir.collecting", "xml.parsers.expat"),
}


def loaded_after(statement: str) -> set[str]:
    """Return which of the heavy modules a process has imported after the statement."""
    script = f"import django, sys\ndjango.setup()\n{statement}\nprint(*({HEAVY!r} & sys.modules.keys()))"
    output = subprocess.run(
        [sys.executable, "-c", script],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "healthtrack.settings"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return set(output.split())


def test_no_heavy_library_is_imported_before_it_is_used() -> None:
    assert loaded_after("pass") == set()


def test_an_import_command_imports_the_engine_but_no_page_undo_or_other_format() -> None:
    loaded = loaded_after("import patients.importers, patients.management.commands.import_medical_records")
    assert loaded == {"healthtrack.imports.tables.engine", "import_export.resources", "polars", "tablib"}


def test_a_web_server_imports_its_pages_before_the_first_request() -> None:
    assert {"healthtrack.urls", "patients.admin", "prometheus_client"} <= loaded_after("import healthtrack.wsgi")


def test_the_admin_imports_its_modules_when_they_are_needed() -> None:
    imports = "from patients.models import MedicalRecord; from django.contrib import admin"
    assert "patients.admin" in loaded_after(f"{imports}; admin.site.get_model_admin(MedicalRecord)")
    assert admin.site.get_model_admin(MedicalRecord).model is MedicalRecord


def test_a_worker_knows_the_jobs_of_all_apps() -> None:
    app.perform_import_paths()
    assert {"healthtrack.imports.tasks.check_import", "healthtrack.audit.tasks.keep_access_log"} <= app.tasks.keys()


def test_a_delayed_library_is_loaded_at_its_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    import_when_used("this")
    import this  # noqa: PLC0415  (the import is what the test is about)

    assert "s" not in vars(this)
    assert this.s.startswith("Gur Mra")
    assert sys.modules["this"] is not this


def test_a_loaded_library_is_unchanged() -> None:
    import_when_used("json")
    assert sys.modules["json"].__file__
