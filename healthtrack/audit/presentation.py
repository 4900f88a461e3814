"""Changes as people read them: what each concerns, by its name, and what each field was and became."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.utils import quote
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DateField, ForeignKey, Model
from django.urls import reverse
from django.utils.formats import date_format

from healthtrack.audit.models import Action, Change
from healthtrack.audit.registry import run_address
from healthtrack.audit.subjects import is_named_by_key, key_columns, key_of, model_of
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
    """A change in words; the run is the import that did it, and `href` a page of the changed row."""

    at: datetime
    who: str
    kind: str
    name: str
    action: Action
    fields: Sequence[FieldChange] = ()
    run_id: int | None = None
    href: str = ""
    request: str = ""

    @property
    def run_href(self) -> str:
        return run_address(self.run_id) if self.run_id else ""


def entries(changes: Sequence[Change]) -> list[Entry]:
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
        """Of the rows that still stand, a query for each of the few tables whose rows are not named by their key."""
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
            if not is_named_by_key(model)
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
        if known or is_named_by_key(model):
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
    """Return the models with pages whose rows the key names, by its columns: for a link, one at each of its ends."""
    named = {column: _named_by(model, column) for column in key_columns(model)}
    return {column: owner for column, owner in named.items() if _has_pages(owner)}


def _has_pages(model: type[Model]) -> bool:
    # `is_registered` does not import the admin modules, and knows no page before another part of the program has.
    with suppress(NotRegistered):
        admin.site.get_model_admin(model)
        return True
    return False


def row_page(change: Change, page: str) -> str:
    """Return the address of a page (history or change) of the changed row, or of the first row that its key names.

    It is empty where the admin has no page of such rows.
    """
    pages = owners(model_of(change))
    if change.action == Action.TRUNCATE or not pages:
        return ""
    column, owner = next(iter(pages.items()))
    key = quote(key_of(change)[column])
    return reverse(f"admin:{owner._meta.app_label}_{owner._meta.model_name}_{page}", args=[key])
