"""The tables with a history, as an undo sees them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from django.db.models import CASCADE, ForeignKey, Model

from healthtrack.audit.models import Change
from healthtrack.audit.subjects import get_stored_column, get_subject, key_columns
from healthtrack.audit.triggers import MADE_BY_RUN, history_of, tracked_models
from healthtrack.imports.sql import comma, quoted


@dataclass(frozen=True)
class Tracked:
    """A table with a history. All names that it returns are quoted, except `name` and those of `keys`."""

    model: type[Model]

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @property
    def table(self) -> str:
        return quoted(self.name)

    @cached_property
    def keys(self) -> dict[str, str]:
        """The columns of the key, and those of `undone` and `changes` that hold them."""
        return {column: get_stored_column(self.model, column) for column in key_columns(self.model)}

    @property
    def stored_keys(self) -> str:
        return comma(f"stored.{quoted(key)}" for key in self.keys)

    @property
    def held(self) -> str:
        return self.held_in()

    def held_in(self, row: str = "") -> str:
        """The columns that hold the key, of `row` if one is given."""
        return comma(f"{row}.{quoted(held)}" if row else quoted(held) for held in self.keys.values())

    @cached_property
    def columns(self) -> list[str]:
        """Those whose changes the history records, besides the key."""
        fields = [str(field.column) for field in self.model._meta.concrete_fields if field.column]
        return [column for column in fields if column not in {*self.keys, *history_of(self.model).internal}]

    @property
    def relations(self) -> Iterator[tuple[str, "Tracked"]]:
        """The columns that refer to tables with a history, and these."""
        for field in self.model._meta.concrete_fields:
            if isinstance(field, ForeignKey) and field.related_model in tracked_models().values():
                yield str(field.column), Tracked(field.related_model)

    def goes_with(self, column: str) -> bool:
        """Whether a row goes when the one goes that this column of its key names."""
        fields: Iterator[Any] = (each for each in self.model._meta.concrete_fields if each.column == column)
        return column in self.keys and next(fields).remote_field.on_delete is CASCADE

    def same(self, row: str, other: str) -> str:
        """The condition that a row of the table and one of `undone` or `changes` have the same key."""
        return " AND ".join(f"{row}.{quoted(key)} = {other}.{quoted(held)}" for key, held in self.keys.items())

    def same_held(self, row: str, other: str) -> str:
        """The condition that two rows of `undone` or `changes` have the same key."""
        return " AND ".join(f"{row}.{quoted(held)} = {other}.{quoted(held)}" for held in self.keys.values())


def tracked_tables() -> list[Tracked]:
    """Return those whose rows runs insert; what others refer to comes before these."""
    found = [Tracked(model) for model in tracked_models().values()]
    made = [each for each in found if any(field.column == MADE_BY_RUN for field in each.model._meta.concrete_fields)]
    return sorted(made, key=lambda each: len(list(each.relations)))


@cache
def subject_columns() -> Mapping[str, Tracked]:
    """Return the columns of `changes` that name what a change concerns, each with the table whose only key it is.

    A change that concerns several subjects belongs to the first of them.
    """
    models = tracked_models().values()
    of_column = {subject.stored_in: Tracked(model) for model in models if (subject := get_subject(model))}
    columns = [str(field.column) for field in Change._meta.concrete_fields]
    return {column: of_column[column] for column in columns if column in of_column}
