"""The history of a row and of what belongs to it, and the activity log, one page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Model, QuerySet

from healthtrack.audit.account_names import name_at
from healthtrack.audit.models import Action, Change
from healthtrack.audit.presentation import COMMAND_LINE, Entry, entries
from healthtrack.audit.registry import insertions
from healthtrack.audit.subjects import (
    get_changed_key,
    get_changed_model,
    get_subject,
    is_named_by_key,
    key_columns,
    models_about,
    models_recorded_for,
    record_access_to_changes,
)
from healthtrack.audit.triggers import MADE_BY_RUN, OWN_KEY, history_of, tracked_models
from healthtrack.core.lists import log_pages

RECENT_CHANGES = 50


@dataclass(frozen=True)
class Page:
    entries: Sequence[Entry]
    older: int | None  # the last change of this page, if there is a next one
    is_newest: bool

    @property
    def has_imports(self) -> bool:
        return any(entry.run_id for entry in self.entries)


def get_history(row_model: type[Model], key: Any, after: int | None) -> Page:
    """Return a page of the row's changes, and what imports inserted, which is stored in the rows themselves."""
    page = get_page(get_changes(row_model, key), after)
    latest = Change.objects.filter(pk=after).values_list("changed_at", flat=True).first() if after else None
    earliest = page.entries[-1].at if page.older and page.entries else None
    inserted = [
        entry
        for entry in _inserted(row_model, key)
        if (latest is None or entry.at < latest) and (earliest is None or entry.at >= earliest)
    ]
    merged = sorted([*page.entries, *inserted], key=lambda entry: entry.at, reverse=True)
    return replace(page, entries=merged)


def get_page(changes: QuerySet[Change], after: int | None) -> Page:
    """Return a page of the changes older than `after`, newest first, and record the access."""
    page = log_pages.get_page(newest(changes), "changed_at", after)
    record_access_to_changes(page.rows)
    return Page(entries(page.rows), page.older, page.is_newest)


def find_latest_changes(row: Model, fields: Sequence[tuple[Model, str]]) -> list[Change | None]:
    """Return the latest change of each of these fields, given as the name with the row itself or one that concerns it.

    It is None if the change is not among the recent changes of the row.
    """
    columns = [(changed._meta.concrete_model, [changed.pk], _column(changed, name)) for changed, name in fields]
    latest = newest(get_changes(type(row), row.pk))
    recent = [
        (get_changed_model(change)._meta.concrete_model, [*get_changed_key(change).values()], change)
        for change in latest[:RECENT_CHANGES]
    ]
    return [
        next((change for model, key, change in recent if [model, key] == changed and column in change.fields), None)
        for *changed, column in columns
    ]


def newest(changes: QuerySet[Change]) -> QuerySet[Change]:
    """Return the changes, newest first, with the names that the people had at the time."""
    return changes.annotate(person_name=name_at("person_id", "changed_at")).order_by("-changed_at", "-change_id")


def get_changes(row_model: type[Model], key: Any) -> QuerySet[Change]:
    """Return the changes of a subject and of all rows that concern it, or those of a single row."""
    if recorded := models_recorded_for(row_model):
        tables = [model._meta.db_table for model in recorded]
        return Change.objects.filter(patient_id=None, model_id=None, table_name__in=tables, row_id=key)
    subject = get_subject(row_model)
    models = list(models_about(subject)) if subject else [row_model]
    tables = [model._meta.db_table for model in models]
    column = subject.stored_in if subject else OWN_KEY
    # The condition that the other columns are null lets PostgreSQL use the partial indexes.
    concerned = {each.stored_in for model in models for each in history_of(model).subjects}
    others = {each.stored_in for model in tracked_models().values() for each in history_of(model).subjects} - concerned
    return Change.objects.filter(**dict.fromkeys(others), table_name__in=tables, **{column: key})


def _inserted(row_model: type[Model], key: Any) -> list[Entry]:
    """Return entries for the row, and the rows that concern it, that an import inserted."""
    if models_recorded_for(row_model):
        return []
    subject = get_subject(row_model)
    inserted: list[tuple[int, type[Model], str]] = []
    for model in models_about(subject) if subject else [row_model]:
        names = {str(each.column): each.attname for each in model._meta.concrete_fields if each.column}
        if MADE_BY_RUN in names:
            column = subject.column if subject else key_columns(model)[0]
            rows = model._default_manager.filter(**{names[column]: key}, made_by_run__isnull=False)
            inserted += [(row.made_by_run, model, _name(row)) for row in _with_parents(rows, column)]
    return _as_entries(inserted)


def _with_parents(rows: QuerySet[Any], column: str) -> QuerySet[Any]:
    """Join the rows that these refer to, except the one that all of them concern."""
    fields = rows.model._meta.concrete_fields
    return rows.select_related(*(each.name for each in fields if each.is_relation and each.column != column))


def _name(row: Model) -> str:
    return str(row.pk) if is_named_by_key(type(row)) else str(row)


def _as_entries(inserted: Sequence[tuple[int, type[Model], str]]) -> list[Entry]:
    found = insertions({run for run, _, _ in inserted})
    return [
        Entry(
            at=found[run].at,
            who=found[run].person or COMMAND_LINE,
            kind=str(model._meta.verbose_name).capitalize(),
            name=name,
            action=Action.INSERT,
            run_id=run,
        )
        for run, model, name in inserted
        if run in found
    ]


def _column(row: Model, name: str) -> str:
    return next((str(field.column) for field in row._meta.concrete_fields if field.name == name), "")
