"""The history of one row and of what hangs on it, and all changes; a page at a time, however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import BooleanField, F, Func, Model, QuerySet, Value
from django.db.models.lookups import LessThan

from healthtrack.audit.models import Action, Change
from healthtrack.audit.presentation import COMMAND_LINE, Entry, entries, tracked_models
from healthtrack.imports.models import ImportRun

ROWS_A_PAGE = 50


@dataclass(frozen=True)
class Page:
    entries: Sequence[Entry]
    older: int | None  # the change that the next page comes after
    is_newest: bool


def timeline(row_model: type[Model], key: Any, after: int | None) -> Page:
    """The row's changes, and among them what imports inserted, which no change tells but the rows themselves do."""
    page = page_of(changes_of(row_model, key), after)
    latest = Change.objects.filter(pk=after).values_list("changed_at", flat=True).first() if after else None
    earliest = page.entries[-1].at if page.older and page.entries else None
    made = [
        entry
        for entry in _made_by_runs(row_model, key)
        if (latest is None or entry.at < latest) and (earliest is None or entry.at >= earliest)
    ]
    merged = sorted([*page.entries, *made], key=lambda entry: entry.at, reverse=True)
    return replace(page, entries=merged)


def page_of(changes: QuerySet[Change], after: int | None) -> Page:
    """Those that come after a change, newest first; no query counts them."""
    last = Change.objects.filter(pk=after).first() if after else None
    if last:
        changes = changes.filter(LessThan(_place(F("changed_at"), F("change_id")), _place(*map(Value, _key(last)))))
    found = list(changes.select_related("person").order_by("-changed_at", "-change_id")[: ROWS_A_PAGE + 1])
    shown = found[:ROWS_A_PAGE]
    return Page(entries(shown), shown[-1].change_id if len(found) > ROWS_A_PAGE else None, is_newest=last is None)


def changes_of(row_model: type[Model], key: Any) -> QuerySet[Change]:
    """Of a patient with their links, of a tracker model with its variants and settled names, or of one row."""
    column = str(row_model._meta.pk.column)
    if column == "patient_id":
        return Change.objects.filter(patient_id=key)
    of_no_patient = Change.objects.filter(patient_id=None)
    if column == "model_id":
        return of_no_patient.filter(model_id=key)
    return of_no_patient.filter(table_name=row_model._meta.db_table, row_id=key)


def _made_by_runs(row_model: type[Model], key: Any) -> list[Entry]:
    column = str(row_model._meta.pk.column)
    made: list[tuple[int, type[Model], str]] = []
    for model in tracked_models().values():
        names = {str(each.column): each.attname for each in model._meta.concrete_fields if each.column}
        concerns = column in names and (column == "patient_id" or "patient_id" not in names)
        if concerns and "made_by_run" in names:
            rows = model._default_manager.filter(**{names[column]: key}, made_by_run__isnull=False)
            made += [(row.made_by_run, model, _name(row)) for row in _with_related(rows)]
    return _as_entries(made)


def _with_related(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.select_related("model") if any(each.name == "model" for each in rows.model._meta.fields) else rows


def _name(row: Model) -> str:
    return str(row.pk) if str(row._meta.pk.column) == "patient_id" else str(row)


def _as_entries(made: Sequence[tuple[int, type[Model], str]]) -> list[Entry]:
    runs = ImportRun.objects.select_related("started_by").in_bulk({run_id for run_id, _, _ in made})
    return [
        Entry(
            at=run.finished_at or run.started_at,
            who=str(run.started_by or COMMAND_LINE),
            kind=str(model._meta.verbose_name).capitalize(),
            name=name,
            action=Action.INSERT,
            run_id=run.run_id,
        )
        for run, model, name in ((runs.get(run_id), model, name) for run_id, model, name in made)
        if run
    ]


def _key(change: Change) -> tuple[Any, int]:
    return change.changed_at, change.change_id


def _place(*parts: Any) -> Func:
    return Func(*parts, function="ROW", output_field=BooleanField())
