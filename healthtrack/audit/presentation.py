"""Changes as people read them: what each concerns, by its name, and what each field was and became."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DateField, ForeignKey, Model
from django.urls import reverse
from django.utils.formats import date_format

from healthtrack.audit.access_recorder import saw
from healthtrack.audit.models import Action, Change
from healthtrack.audit.triggers import MADE_BY_RUN

COMMAND_LINE = "the command line"


@dataclass(frozen=True)
class FieldChange:
    label: str
    old: str = ""
    new: str = ""
    is_told: bool = True  # else what it was and became would tell people nothing


@dataclass(frozen=True)
class Entry:
    """A change in words; the run is the import that did it."""

    at: datetime
    who: str
    kind: str
    name: str
    action: Action
    fields: Sequence[FieldChange] = ()
    run_id: int | None = None
    href: str = ""
    request: str = ""


def tracked_models() -> dict[str, type[Model]]:
    """The models whose tables have a history, by their tables."""
    return {
        model._meta.db_table: model
        for model in apps.get_models()
        if not model._meta.proxy
        and any(trigger.name == "history_update" for trigger in getattr(model._meta, "triggers", ()))
    }


def model_of(change: Change) -> type[Model]:
    return tracked_models()[change.table_name]


def key_of(change: Change) -> dict[str, Any]:
    """The changed row's key: each of its columns with the value."""
    own = {"patient_id": change.patient_id, "model_id": change.model_id}
    keys = [str(key.column) for key in model_of(change)._meta.pk_fields]
    return {key: own.get(key, change.row_id) for key in keys}


def entries(changes: Sequence[Change]) -> list[Entry]:
    saw(change.patient_id for change in changes if change.patient_id is not None)
    return list(_Words(changes).entries())


@dataclass
class _Words:
    changes: Sequence[Change]
    names: Mapping[type[Model], Mapping[Any, str]] = field(default_factory=dict)

    def entries(self) -> Iterator[Entry]:
        self.names = self._names()
        for change in self.changes:
            kind, name = self._subject(change)
            yield Entry(
                at=change.changed_at,
                who=who(change),
                kind=kind,
                name=name,
                action=Action(change.action),
                fields=list(self._fields(change)),
                run_id=change.run_id,
                href=row_page(change, "history"),
                request=change.request,
            )

    def _names(self) -> dict[type[Model], dict[Any, str]]:
        """Of the rows that still stand, a query for each of the few tables that have names; a patient is a number."""
        wanted: dict[type[Model], set[Any]] = defaultdict(set)
        for change in self.changes:
            model = model_of(change)
            for column, value in key_of(change).items():
                wanted[_named_by(model, column)].add(value)
            for column, values in change.fields.items():
                if (related := _named_by(model, column)) is not model:
                    wanted[related].update(values)
        return {
            model: {row.pk: str(row) for row in _with_parents(model).filter(pk__in=keys - {None})}
            for model, keys in wanted.items()
            if not _is_patient(model)
        }

    def _subject(self, change: Change) -> tuple[str, str]:
        model = model_of(change)
        if change.action == Action.TRUNCATE:
            return str(model._meta.verbose_name_plural).capitalize(), "all rows"
        names = [self._name(_named_by(model, column), value, change) for column, value in key_of(change).items()]
        kind = str(model._meta.verbose_name).capitalize()
        return kind, " and ".join(names)

    def _name(self, model: type[Model], key: object, change: Change) -> str:
        known = self.names.get(model, {}).get(key)
        if known or _is_patient(model):
            return known or str(key)
        return _name_at_the_time(model, change) or f"{model._meta.verbose_name} {key}"

    def _fields(self, change: Change) -> Iterator[FieldChange]:
        model = model_of(change)
        for column, (old, new) in change.fields.items():
            column_field = _field(model, column)
            if column_field is None:
                continue
            label = str(column_field.verbose_name).capitalize()
            if not column_field.editable and column != MADE_BY_RUN:
                yield FieldChange(label, is_told=False)
            elif isinstance(column_field, ForeignKey):
                names = self.names.get(_named_by(model, column), {})
                yield FieldChange(label, names.get(old, _text(old)), names.get(new, _text(new)))
            else:
                yield FieldChange(label, _in_words(column_field, old), _in_words(column_field, new))


def who(change: Change) -> str:
    if change.person_id:
        # The person may be deleted since; the reference is not checked.
        return str(change.person) if change.person else f"person {change.person_id}, who is deleted"
    return COMMAND_LINE if change.run_id else f"{change.database_role}, at the database itself"


def _in_words(column: Any, value: object) -> str:
    if isinstance(column, DateField) and value:
        return str(date_format(date.fromisoformat(str(value))))
    return str(dict(column.flatchoices).get(value, _text(value)))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return "" if value is None else str(value)


def _field(model: type[Model], column: str) -> Any:
    """None for a column that there was once."""
    return next((field for field in model._meta.concrete_fields if field.column == column), None)


def _named_by(model: type[Model], column: str) -> type[Model]:
    """The model whose row the column names: the one referred to, else the row's own."""
    related = getattr(_field(model, column), "related_model", None)
    return related or model


def _is_patient(model: type[Model]) -> bool:
    return str(model._meta.pk.column) == "patient_id"


def _with_parents(model: type[Model]) -> Any:
    parents = [column.name for column in model._meta.concrete_fields if isinstance(column, ForeignKey)]
    return model._default_manager.select_related(*parents)


def _name_at_the_time(model: type[Model], change: Change) -> str:
    """Of a row that is gone: what it was called when it was added or removed, if this change tells."""
    if model is not model_of(change) or any(isinstance(each, ForeignKey) for each in model._meta.concrete_fields):
        return ""
    values = {column: new if new is not None else old for column, (old, new) in change.fields.items()}
    with suppress(FieldDoesNotExist, TypeError):
        return str(model(**values)).strip() if change.action in {Action.INSERT, Action.DELETE} else ""
    return ""


def owners(model: type[Model]) -> dict[str, type[Model]]:
    """The models with pages whose rows the key names, by its columns: of a link the patient, then the model."""
    named = {str(key.column): _named_by(model, str(key.column)) for key in model._meta.pk_fields}
    return {column: owner for column, owner in named.items() if admin.site.is_registered(owner)}


def row_page(change: Change, page: str) -> str:
    """A page of the patient, or of the changed row itself: its timeline (history), or where it is edited (change)."""
    if change.action == Action.TRUNCATE:
        return ""
    column, owner = next(iter(owners(model_of(change)).items()))
    key = quote(key_of(change)[column])
    return reverse(f"admin:{owner._meta.app_label}_{owner._meta.model_name}_{page}", args=[key])
