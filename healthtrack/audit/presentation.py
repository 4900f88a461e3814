"""Changes as people read them: the name of the changed row, and the old and new value of each field."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.utils import quote
from django.core.exceptions import ValidationError
from django.db.models import DateField, DateTimeField, ForeignKey, Model
from django.urls import reverse

from healthtrack.audit.actor import COMMAND
from healthtrack.audit.models import Action, Change
from healthtrack.audit.recording import Recording
from healthtrack.audit.registry import run_address
from healthtrack.audit.subjects import get_changed_key, get_changed_model, is_named_by_key, key_columns
from healthtrack.audit.triggers import MADE_BY_RUN, get_program_history, history_of
from healthtrack.core.forms.readable_values import describe_value

COMMAND_LINE = "the command line"
EMPTY: Sequence[Any] = (None, "", [])


@dataclass(frozen=True)
class FieldChange:
    label: str
    old: str = ""
    new: str = ""
    shows_values: bool = True  # false for fields whose values mean nothing to people


@dataclass(frozen=True)
class Entry:
    """A change in words.

    `run_id` is the import that did it, and `href` a page of the changed row. If the change deleted the row,
    `restore_href` is the page that restores it. `change_id` is None for what an import inserted.
    """

    at: datetime
    who: str
    kind: str
    name: str
    action: Action
    fields: Sequence[FieldChange] = ()
    run_id: int | None = None
    href: str = ""
    request: str = ""
    change_id: int | None = None
    restore_href: str = ""

    @property
    def run_href(self) -> str:
        return run_address(self.run_id) if self.run_id else ""


def entries(changes: Sequence[Change]) -> list[Entry]:
    """Return an entry for each change, in the same order."""
    return list(_EntryBuilder(changes).entries())


@dataclass
class _EntryBuilder:
    changes: Sequence[Change]
    rows: Mapping[type[Model], Mapping[Any, Model]] = field(default_factory=dict)
    names: Mapping[type[Model], Mapping[Any, str]] = field(default_factory=dict)

    def entries(self) -> Iterator[Entry]:
        self.rows = self._rows()
        self.names = {model: {key: str(row) for key, row in rows.items()} for model, rows in self.rows.items()}
        for change in self.changes:
            kind, name = self._subject(change)
            yield Entry(
                at=change.changed_at,
                who=get_actor_name(change),
                kind=kind,
                name=name,
                action=Action(change.action),
                fields=list(self._fields(change)),
                run_id=change.run_id,
                href=row_page(change, "history"),
                request="" if change.request.startswith(COMMAND) else change.request,
                change_id=change.change_id,
            )

    def _rows(self) -> dict[type[Model], dict[Any, Model]]:
        """Return the existing rows that the changes refer to, by model and key.

        This takes one query for each of the few tables whose rows are not named by their key.
        """
        wanted: dict[type[Model], set[Any]] = defaultdict(set)
        for change in self.changes:
            model = get_changed_model(change)
            if history_of(model).recording or get_program_history(model):  # they have the names themselves
                continue
            for column, value in get_changed_key(change).items():
                wanted[_named_by(model, column)].add(value)
            for column, values in change.fields.items():
                if (related := _named_by(model, column)) is not model:
                    wanted[related].update(values)
        return {
            model: {row.pk: row for row in _with_parents(model).filter(pk__in=keys - {None})}
            for model, keys in wanted.items()
            if not is_named_by_key(model)
        }

    def _subject(self, change: Change) -> tuple[str, str]:
        model = get_changed_model(change)
        if change.action == Action.TRUNCATE:
            return str(model._meta.verbose_name_plural).capitalize(), "all rows"
        kind = str(model._meta.verbose_name).capitalize()
        if change.row_name is not None:
            return kind, change.row_name
        names = [
            self._name(_named_by(model, column), value, change) for column, value in get_changed_key(change).items()
        ]
        return kind, " and ".join(names)

    def _name(self, model: type[Model], key: object, change: Change) -> str:
        known = self.names.get(model, {}).get(key)
        if known or is_named_by_key(model) or get_program_history(model):
            return known or str(key)
        if name := self._name_at_the_time(model, change):
            return name
        return str(key) if model is get_changed_model(change) else f"{model._meta.verbose_name} {key}"

    def _name_at_the_time(self, model: type[Model], change: Change) -> str:
        """Return the name that a deleted row had, if this change is its insertion or deletion; otherwise ''."""
        if model is not get_changed_model(change) or change.action not in {Action.INSERT, Action.DELETE}:
            return ""
        with suppress(AttributeError, TypeError, ValidationError):  # values of an earlier version
            return self._name_row(model(), change)
        return ""

    def _name_row(self, row: Model, change: Change) -> str:
        model = type(row)
        for column, (old, new) in change.fields.items():
            if column_field := _field(model, column):
                setattr(row, column_field.attname, column_field.to_python(new if new is not None else old))
        for parent in _parent_fields(model):
            key = getattr(row, parent.attname)
            known = self.rows.get(parent.related_model, {}).get(key)
            if known is None and not is_named_by_key(parent.related_model):
                return ""
            setattr(row, parent.name, known or parent.related_model(pk=key))
        return str(row).strip()

    def _fields(self, change: Change) -> Iterator[FieldChange]:
        model = get_changed_model(change)
        if recording := history_of(model).recording:
            yield from _recorded_fields(recording, model, change)
            return
        if program := get_program_history(model):
            for column, (old, new) in change.fields.items():
                if old in EMPTY and new in EMPTY:
                    continue
                if label := program.labels.get(column, column):
                    yield FieldChange(label, describe_value(old), describe_value(new))
            return
        for column_field in model._meta.concrete_fields:  # in the order of the form
            column = str(column_field.column)
            old, new = change.fields.get(column, (None, None))
            if old in EMPTY and new in EMPTY:
                continue
            label = str(column_field.verbose_name).capitalize()
            if not column_field.editable and column != MADE_BY_RUN:
                yield FieldChange(label, shows_values=False)
            elif isinstance(column_field, ForeignKey):
                names = self.names.get(_named_by(model, column), {})
                yield FieldChange(label, describe_value(old, names), describe_value(new, names))
            else:
                yield FieldChange(label, _format_value(column_field, old), _format_value(column_field, new))


def get_actor_name(change: Change) -> str:
    """Return who made the change: a person by the name of that time, a command, or a role of the database."""
    if change.person_id:
        # Versions before 0.2.0 could delete accounts.
        name: str | None = getattr(change, "person_name", None)  # of `timelines.newest`
        return name or f"deleted person {change.person_id}"
    if change.request.startswith(COMMAND):
        return f"the {change.request}"
    return COMMAND_LINE if change.run_id else f"the database role {change.database_role}"


def _recorded_fields(recording: Recording, model: type[Model], change: Change) -> Iterator[FieldChange]:
    """Yield the fields in the order of the recording, without texts that were and are empty."""
    for column in recording.columns:
        old, new = change.fields.get(column, ("", ""))
        field = _field(model, column)
        label = recording.labels.get(column) or str(field.verbose_name).capitalize()
        if old is None and new is None:
            yield FieldChange(label, shows_values=False)
        elif {old, new} - {"", None}:
            yield FieldChange(label, _format_value(field, old), _format_value(field, new))


def _format_value(column: Any, value: object) -> str:
    if isinstance(column, DateField) and value:
        kind = datetime if isinstance(column, DateTimeField) else date
        return describe_value(kind.fromisoformat(str(value)))
    return describe_value(value, dict(column.flatchoices))


def _field(model: type[Model], column: str) -> Any:
    """Return the model's field of this column, or None if the column no longer exists."""
    return next((field for field in model._meta.concrete_fields if field.column == column), None)


def _named_by(model: type[Model], column: str) -> type[Model]:
    """Return the model whose row the column names: the related one, or else the model itself."""
    related = getattr(_field(model, column), "related_model", None)
    return related or model


def _parent_fields(model: type[Model]) -> list[Any]:
    return [column for column in model._meta.concrete_fields if isinstance(column, ForeignKey)]


def _with_parents(model: type[Model]) -> Any:
    return model._default_manager.select_related(*(column.name for column in _parent_fields(model)))


def owners(model: type[Model]) -> dict[str, type[Model]]:
    """Return the models with admin pages that the key's columns refer to, by column: two for a link."""
    if recording := history_of(model).recording:
        return {recording.column: apps.get_model(recording.concerns)}
    named = {column: _named_by(model, column) for column in key_columns(model)}
    return {column: owner for column, owner in named.items() if _has_pages(owner)}


def _has_pages(model: type[Model]) -> bool:
    # Unlike `is_registered`, this also works before the admin modules are imported.
    with suppress(NotRegistered):
        admin.site.get_model_admin(model)
        return True
    return False


def row_page(change: Change, page: str) -> str:
    """Return the address of a page (history or change) of the changed row, or of the first row that its key names.

    It is empty where the admin has no page of such rows.
    """
    pages = owners(get_changed_model(change))
    if change.action == Action.TRUNCATE or not pages:
        return ""
    column, owner = next(iter(pages.items()))
    key = quote(get_changed_key(change)[column])
    return reverse(f"admin:{owner._meta.app_label}_{owner._meta.model_name}_{page}", args=[key])
