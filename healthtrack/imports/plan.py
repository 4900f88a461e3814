"""What the engine needs to know of a resource, read off its fields and its model."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import cast

import polars as pl
from django.db.models import F, Model, UniqueConstraint
from django.db.models.functions import Lower
from import_export.fields import Field

from healthtrack.imports.widgets import ColumnWidget, ModelField


class RepeatedRows(Enum):
    """What it means when several rows of a file have one key and differ in the rest."""

    MEAN = auto()  # they describe one thing: its numbers are the means of theirs
    FAULT = auto()


@dataclass(frozen=True)
class RowRule:
    """A rule over several columns of a row; the condition that breaks it, over the columns' names."""

    column: str
    broken: pl.Expr
    reason: str


@dataclass(frozen=True)
class Column:
    """A column of the file and of the staging table. `of_parent`: it is a column of the table referred to."""

    name: str
    header: str
    widget: ColumnWidget
    field: ModelField
    of_parent: bool
    is_key: bool
    case_blind: bool

    @property
    def required(self) -> bool:
        return not (self.field.null or self.field.blank)

    @property
    def spellings(self) -> frozenset[str]:
        return frozenset({bare(self.header), bare(self.name)})


@dataclass(frozen=True)
class Plan:
    model: type[Model]
    columns: Sequence[Column]
    parent: "Parent | None"
    repeated_rows: RepeatedRows

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
    """The table that the rows refer to, and the foreign key by which they do."""

    child: type[Model]
    relation: str

    @property
    def model(self) -> type[Model]:
        return cast("type[Model]", _concrete(self.child, self.relation).related_model)

    @property
    def foreign_key(self) -> str:
        return str(_concrete(self.child, self.relation).column)


def bare(header: str) -> str:
    """A header as it is compared: without regard to case, blanks and underscores."""
    return re.sub(r"[\s_\ufeff]+", "", header).lower()


def make_plan(
    model: type[Model], fields: Mapping[str, Field], keys: Sequence[str], repeated_rows: RepeatedRows
) -> Plan:
    """Fields may be reached by one foreign key, as in `model__brand_name`: they are the parent's columns."""
    columns: list[Column] = []
    parent: Parent | None = None
    for name, field in fields.items():
        *path, field_name = field.attribute.split("__")
        owner = model
        if path:
            parent = Parent(model, path[0])
            owner = parent.model
        columns.append(
            Column(
                name=name,
                header=field.column_name,
                widget=field.widget,
                field=_concrete(owner, field_name),
                of_parent=bool(path),
                is_key=name in keys,
                case_blind=field_name in case_blind_fields(owner),
            )
        )
    return Plan(model, columns, parent, repeated_rows)


def _concrete(model: type[Model], name: str) -> ModelField:
    return cast("ModelField", model._meta.get_field(name))


def case_blind_fields(model: type[Model]) -> set[str]:
    """The fields that the model's unique constraints compare without regard to case."""
    return {
        source.name  # type: ignore[attr-defined]  # the stubs leave it out
        for constraint in model._meta.constraints
        if isinstance(constraint, UniqueConstraint)
        for expression in constraint.expressions
        if isinstance(expression, Lower)
        for source in expression.get_source_expressions()
        if isinstance(source, F)
    }
