"""What the history of a row shows about the import that inserted it."""

from collections.abc import Collection

from django.urls import reverse

from healthtrack.audit.registry import Insertion, InsertSource
from healthtrack.imports.models import ImportRun


def _get_insertions(runs: Collection[int]) -> dict[int, Insertion]:
    found = ImportRun.objects.select_related("started_by").in_bulk(runs)
    return {
        number: Insertion(run.finished_at or run.started_at, str(run.started_by or "")) for number, run in found.items()
    }


def _get_address(run: int) -> str:
    return reverse("admin:imports_importrun_change", args=[run])


INSERT_SOURCE = InsertSource(_get_insertions, _get_address)
