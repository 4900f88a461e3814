"""Imports of readings by the command."""

import io
import json
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command

from healthtrack.imports.life_cycle import runs, steps
from healthtrack.imports.models import ImportRun
from tests.support import factories


def run_command(*paths: Path, **options: Any) -> tuple[dict[str, Any], str]:
    """Import files, and return the counts and what the command says about errors."""
    out, errors = io.StringIO(), io.StringIO()
    try:
        call_command("import_readings", *paths, json=True, stdout=out, stderr=errors, **options)
    except CommandError as error:
        errors.write(f"{error}\n")
    return json.loads(out.getvalue() or "{}"), errors.getvalue()


def counts(found: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return how many readings are new, changed, unchanged and unreadable."""
    return found["new"], found["changed"], found["unchanged"], found["unreadable"]


def undo(run: ImportRun) -> None:
    """Undo the import, and assert that its undo cannot be undone."""
    request = runs.request_undo(run, factories.staff())
    assert request is not None
    steps.apply(request, [], steps.no_progress)
    request.refresh_from_db()
    assert request.is_applied
    assert runs.request_undo(request, factories.staff()) is None
