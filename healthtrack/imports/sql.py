"""Fragments of SQL over the columns of a plan. All names in them come from models and resources, never from a file."""

from collections.abc import Iterable

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model

from healthtrack.imports.plan import Column, Plan
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.widgets import ModelField

STAGED = "staged_rows"
WITHIN_STEP = f"rows.{LINE} BETWEEN %(first)s AND %(last)s"


def quoted(name: str | None) -> str:
    return connection.ops.quote_name(str(name))


def table(model: type[Model]) -> str:
    return quoted(model._meta.db_table)


def primary_key(model: type[Model]) -> str:
    return quoted(model._meta.pk.column)


def key_type(model: type[Model]) -> str:
    return _type(model._meta.pk)


def column_type(model: type[Model], column: str) -> str:
    return next(_type(field) for field in model._meta.concrete_fields if field.column == column)


def comma(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def declared(column: Column) -> str:
    return f"{quoted(column.name)} {_type(column.field)}"


def _type(field: ModelField) -> str:
    collation = field.db_parameters(connection).get("collation")
    return (
        f"{field.rel_db_type(connection)} COLLATE {quoted(collation)}"
        if collation
        else str(field.rel_db_type(connection))
    )


def staged(column: Column) -> str:
    return f"rows.{quoted(column.name)}"


def stored(column: Column) -> str:
    return f"{'parent' if column.of_parent else 'target'}.{quoted(column.field.column)}"


def folded(column: Column) -> str:
    """Return a staged column in the form in which keys are compared."""
    return f"lower({staged(column)})" if column.case_insensitive else staged(column)


def same_as_stored(columns: Iterable[Column]) -> str:
    return " AND ".join(
        f"{folded(column)} = " + (f"lower({stored(column)})" if column.case_insensitive else stored(column))
        for column in columns
        if column.is_key
    )


def same_target(plan: Plan) -> str:
    """Return the condition that a stored row, `target`, has the key of a staged row, `rows`."""
    own = same_as_stored(plan.own_columns)
    return f"{own} AND target.{quoted(plan.parent.foreign_key)} = rows.parent" if plan.parent else own


def stored_rows(plan: Plan) -> str:
    """Return a join of compared rows with the stored rows that they change: `target`, and `parent` if there is one."""
    joined = f"LEFT JOIN {table(plan.model)} AS target ON target.{primary_key(plan.model)} = rows.target"
    if not plan.parent:
        return joined
    parent = plan.parent.model
    return f"{joined} LEFT JOIN {table(parent)} AS parent ON parent.{primary_key(parent)} = rows.parent"


def plan_for_large_sets(cursor: CursorWrapper) -> None:
    # A table that the same transaction has just filled looks empty to the planner's statistics, and a nested loop
    # over what only looks empty would take forever.
    cursor.execute("SET LOCAL enable_nestloop = off")
