"""What the engine needs to know about a resource, derived from its fields and its model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import cast

import polars as pl
from django.db.models import F, Model, UniqueConstraint
from django.db.models.functions import Lower
from import_export.fields import Field

from healthtrack.imports.columns.header_names import normalize_header
from healthtrack.imports.columns.references import ReferenceWidget
from healthtrack.imports.columns.widgets import ColumnWidget, ModelField


class DuplicateRows(StrEnum):
    """The rule for several rows of a file with the same key and different values."""

    MEAN = "mean"  # they describe one thing, and are combined into the mean of their numbers
    FIRST = "first"
    LAST = "last"
    ERROR = "error"  # they contradict each other


@dataclass(frozen=True)
class RowRule:
    """A rule over several columns of a row. `broken` is true where a row breaks it, in terms of the columns' names."""

    column: str
    broken: pl.Expr
    reason: str


@dataclass(frozen=True)
class Column:
    """A column of the file and of the staging table. If `of_parent`, its field belongs to the plan's parent.

    `known_as` lists other names that files of other programs have for it.
    """

    name: str
    header: str
    widget: ColumnWidget
    field: ModelField
    of_parent: bool
    is_key: bool
    case_insensitive: bool
    known_as: Sequence[str] = ()

    @property
    def required(self) -> bool:
        return not (self.field.null or self.field.blank)

    @property
    def is_reference(self) -> bool:
        return isinstance(self.widget, ReferenceWidget)

    @property
    def is_text(self) -> bool:
        return self.field.get_internal_type() == "CharField"

    @cached_property
    def spellings(self) -> frozenset[str]:
        return frozenset({normalize_header(self.header), normalize_header(self.name)})

    @cached_property
    def synonyms(self) -> frozenset[str]:
        return frozenset(map(normalize_header, self.known_as))


@dataclass(frozen=True)
class Plan:
    """The columns of a file and what they mean. With a `parent`, the rows also fill the table that they refer to."""

    model: type[Model]
    columns: Sequence[Column]
    parent: "Parent | None"
    duplicate_rows: DuplicateRows

    @property
    def keys(self) -> list[Column]:
        return [column for column in self.columns if column.is_key]

    @property
    def values(self) -> list[Column]:
        return [column for column in self.columns if not column.is_key]

    @property
    def own_columns(self) -> list[Column]:
        return [column for column in self.columns if not column.of_parent]

    @property
    def parent_columns(self) -> list[Column]:
        return [column for column in self.columns if column.of_parent]


@dataclass(frozen=True)
class Parent:
    """The table that the rows refer to, by the name of their foreign key."""

    child: type[Model]
    relation: str

    @property
    def model(self) -> type[Model]:
        return cast("type[Model]", _concrete(self.child, self.relation).related_model)

    @property
    def foreign_key(self) -> str:
        return str(_concrete(self.child, self.relation).column)


def make_plan(
    model: type[Model],
    fields: Mapping[str, Field],
    keys: Sequence[str],
    duplicate_rows: DuplicateRows,
    known_as: Mapping[str, Sequence[str]],
) -> Plan:
    """Return the plan for a model from the fields of its resource and the names of those that are its key.

    A field may follow one foreign key, as in `model__brand_name`: it is then a column of the parent.
    """
    relations = {path[0] for *path, _ in (field.attribute.split("__") for field in fields.values()) if path}
    parent = Parent(model, relations.pop()) if relations else None

    def make_column(name: str, field: Field) -> Column:
        *path, field_name = field.attribute.split("__")
        owner = parent.model if path and parent else model
        return Column(
            name=name,
            header=field.column_name,
            widget=field.widget,
            field=_concrete(owner, field_name),
            of_parent=bool(path),
            is_key=name in keys,
            case_insensitive=field_name in case_insensitive_fields(owner),
            known_as=known_as.get(name, ()),
        )

    return Plan(model, [make_column(*each) for each in fields.items()], parent, duplicate_rows)


def _concrete(model: type[Model], name: str) -> ModelField:
    return cast("ModelField", model._meta.get_field(name))


def case_insensitive_fields(model: type[Model]) -> set[str]:
    """Return the names of the fields that the model's unique constraints compare without regard to case."""
    return {
        source.name  # type: ignore[attr-defined]  # the stubs leave it out
        for constraint in model._meta.constraints
        if isinstance(constraint, UniqueConstraint)
        for expression in constraint.expressions
        if isinstance(expression, Lower)
        for source in expression.get_source_expressions()
        if isinstance(source, F)
    }
