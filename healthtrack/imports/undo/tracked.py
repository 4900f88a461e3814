"""The tables with a history, as an undo needs them: their keys and columns as SQL."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from django.db.models import CASCADE, ForeignKey, Model

from healthtrack.audit.models import Change
from healthtrack.audit.subjects import get_stored_column, get_subject, key_columns
from healthtrack.audit.triggers import MADE_BY_RUN, history_of, tracked_models
from healthtrack.imports.tables.sql import comma, quoted


@dataclass(frozen=True)
class TrackedTable:
    """A table with a history. All names that it returns are quoted for SQL, except `name` and those of columns."""

    model: type[Model]

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @property
    def table(self) -> str:
        return quoted(self.name)

    @cached_property
    def keys(self) -> dict[str, str]:
        """Return the columns of the primary key, each with the column of `undone` and `changes` that stores it."""
        return {column: get_stored_column(self.model, column) for column in key_columns(self.model)}

    @property
    def stored_keys(self) -> str:
        """Return the key columns of the alias `stored`, comma-separated."""
        return comma(f"stored.{quoted(key)}" for key in self.keys)

    @property
    def history_keys(self) -> str:
        """Return the columns of `undone` and `changes` that store the key, comma-separated."""
        return self.history_keys_of()

    def history_keys_of(self, row: str = "") -> str:
        """Return the columns of `undone` and `changes` that store the key, of the alias `row` if one is given."""
        return comma(f"{row}.{quoted(held)}" if row else quoted(held) for held in self.keys.values())

    @cached_property
    def columns(self) -> list[str]:
        """Return the columns whose changes the history records, without the key."""
        fields = [str(field.column) for field in self.model._meta.concrete_fields if field.column]
        return [column for column in fields if column not in {*self.keys, *history_of(self.model).internal}]

    @property
    def relations(self) -> Iterator[tuple[str, "TrackedTable"]]:
        """Yield the foreign keys to tables with a history, each with the table that it refers to."""
        for field in self.model._meta.concrete_fields:
            if isinstance(field, ForeignKey) and field.related_model in tracked_models().values():
                yield str(field.column), TrackedTable(field.related_model)

    def is_deleted_with(self, column: str) -> bool:
        """Return whether a row is deleted with the row that this column of its key refers to."""
        fields: Iterator[Any] = (each for each in self.model._meta.concrete_fields if each.column == column)
        return column in self.keys and next(fields).remote_field.on_delete is CASCADE

    @property
    def is_part(self) -> bool:
        """Return whether its rows are deleted with rows that they refer to, such as links with their patient."""
        return any(self.is_deleted_with(column) for column, _ in self.relations)

    def match_keys(self, row: str, other: str) -> str:
        """Return the SQL condition that a row of the table and one of `undone` or `changes` have the same key."""
        return " AND ".join(f"{row}.{quoted(key)} = {other}.{quoted(held)}" for key, held in self.keys.items())

    def match_history_keys(self, row: str, other: str) -> str:
        """Return the SQL condition that two rows of `undone` or `changes` have the same key."""
        return " AND ".join(f"{row}.{quoted(held)} = {other}.{quoted(held)}" for held in self.keys.values())


def get_tracked_tables() -> list[TrackedTable]:
    """Return the tables whose rows imports insert; a table comes after the tables that it refers to."""
    found = [TrackedTable(model) for model in tracked_models().values()]
    imported = [
        each for each in found if any(field.column == MADE_BY_RUN for field in each.model._meta.concrete_fields)
    ]
    return sorted(imported, key=lambda each: len(list(each.relations)))


def get_derived_tables() -> list[str]:
    """Return the names of the tables whose rows nobody edits, because they follow from other rows."""
    return [name for name, model in tracked_models().items() if getattr(model, "is_derived", False)]


@cache
def get_subject_columns() -> Mapping[str, TrackedTable]:
    """Return the columns of `changes` that identify the subject of a change, each with the table whose key it stores.

    A change that concerns several subjects belongs to the first of them.
    """
    models = tracked_models().values()
    of_column = {subject.stored_in: TrackedTable(model) for model in models if (subject := get_subject(model))}
    columns = [str(field.column) for field in Change._meta.concrete_fields]
    return {column: of_column[column] for column in columns if column in of_column}
