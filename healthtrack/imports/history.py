"""What the history of a row shows about the import that inserted it."""

from collections.abc import Collection

from django.urls import reverse

from healthtrack.audit.account_names import name_at
from healthtrack.audit.registry import Insertion, InsertSource
from healthtrack.imports.models import ImportRun


def _get_insertions(runs: Collection[int]) -> dict[int, Insertion]:
    named = ImportRun.objects.filter(pk__in=runs).annotate(person=name_at("started_by_id", "started_at"))
    found = named.values_list("run_id", "started_at", "finished_at", "person")
    return {run: Insertion(finished_at or started_at, person or "") for run, started_at, finished_at, person in found}


def _get_address(run: int) -> str:
    return reverse("admin:imports_importrun_change", args=[run])


INSERT_SOURCE = InsertSource(_get_insertions, _get_address)
