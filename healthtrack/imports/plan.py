"""What the engine needs to know of a resource, read off its fields and its model."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import polars as pl
from django.db.models import F, ForeignKey, Model, UniqueConstraint
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
    parent: ForeignKey[Model, Model] | None
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


def bare(header: str) -> str:
    """A header as it is compared: without regard to case, blanks and underscores."""
    return re.sub(r"[\s_\ufeff]+", "", header).lower()


def make_plan(
    model: type[Model], fields: Mapping[str, Field], keys: Sequence[str], repeated_rows: RepeatedRows
) -> Plan:
    columns, parents = [], set()
    for name, field in fields.items():
        *path, field_name = field.attribute.split("__")
        owner = model
        if path:
            parent = model._meta.get_field(path[0])
            parents.add(parent)
            owner = parent.related_model
        columns.append(
            Column(
                name=name,
                header=field.column_name,
                widget=field.widget,
                field=owner._meta.get_field(field_name),
                of_parent=bool(path),
                is_key=name in keys,
                case_blind=field_name in case_blind_fields(owner),
            )
        )
    return Plan(model, columns, parents.pop() if parents else None, repeated_rows)


def case_blind_fields(model: type[Model]) -> set[str]:
    """The fields that the model's unique constraints compare without regard to case."""
    return {
        source.name
        for constraint in model._meta.constraints
        if isinstance(constraint, UniqueConstraint)
        for expression in constraint.expressions
        if isinstance(expression, Lower)
        for source in expression.get_source_expressions()
        if isinstance(source, F)
    }
