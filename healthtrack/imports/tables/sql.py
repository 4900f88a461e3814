"""Fragments of SQL over the columns of a plan. All names in them come from models and resources, never from a file.

In all of them `rows` is a staged row, `target` a row of the plan's model, and `parent` a row that it refers to.
"""

from collections.abc import Iterable

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model

from healthtrack.core.database.planner_settings import planner_settings
from healthtrack.imports.columns.plan import Column, Plan
from healthtrack.imports.columns.references import ReferenceWidget
from healthtrack.imports.columns.widgets import ModelField
from healthtrack.imports.reading.table import LINE

WITHIN_STEP = f"rows.{LINE} BETWEEN %(first)s AND %(last)s"


def quoted(name: str | None) -> str:
    """Return the name of a table or column, quoted for SQL."""
    return connection.ops.quote_name(str(name))


def table(model: type[Model]) -> str:
    return quoted(model._meta.db_table)


def primary_key(model: type[Model]) -> str:
    return quoted(model._meta.pk.column)


def key_type(model: type[Model]) -> str:
    """Return the SQL type of the model's primary key."""
    return _type(model._meta.pk)


def column_type(model: type[Model], column: str) -> str:
    return next(_type(field) for field in model._meta.concrete_fields if field.column == column)


def comma(parts: Iterable[str]) -> str:
    """Return the parts, separated by commas."""
    return ", ".join(parts)


def column_definition(column: Column) -> str:
    """Return the column for CREATE TABLE."""
    return f"{quoted(column.name)} {_type(column.field)}"


def _type(field: ModelField) -> str:
    collation = field.db_parameters(connection).get("collation")
    return (
        f"{field.rel_db_type(connection)} COLLATE {quoted(collation)}"
        if collation
        else str(field.rel_db_type(connection))
    )


def staged_column(column: Column) -> str:
    """Return the column of a staged row."""
    return f"rows.{quoted(column.name)}"


def stored_column(column: Column) -> str:
    """Return the column of the stored row, `target` or `parent`."""
    return f"{'parent' if column.of_parent else 'target'}.{quoted(column.field.column)}"


def shown_column(column: Column, value: str) -> str:
    """Return what people see of a value that `staged_column` or `stored_column` returned: the name of a reference."""
    return column.widget.get_shown(column.field, value) if isinstance(column.widget, ReferenceWidget) else value


def compared_column(column: Column) -> str:
    """Return the column of a staged row as keys are compared: in lower case, if the constraint ignores case."""
    return _compared(column, staged_column(column))


def _compared(column: Column, value: str) -> str:
    return f"lower({value})" if column.case_insensitive else value


def keys_match(columns: Iterable[Column]) -> str:
    """Return the condition that those of the columns that are keys have the stored values."""
    return " AND ".join(
        f"{compared_column(column)} = {_compared(column, stored_column(column))}" for column in columns if column.is_key
    )


def target_matches(plan: Plan) -> str:
    """Return the condition that `target` has the key of the staged row."""
    own = keys_match(plan.own_columns)
    return f"{own} AND target.{quoted(plan.parent.foreign_key)} = rows.parent" if plan.parent else own


def join_stored_rows(plan: Plan) -> str:
    """Return a join of compared rows with the stored ones: with `target`, and with `parent` if the plan has one."""
    joined = f"LEFT JOIN {table(plan.model)} AS target ON target.{primary_key(plan.model)} = rows.target"
    if not plan.parent:
        return joined
    parent = plan.parent.model
    return f"{joined} LEFT JOIN {table(parent)} AS parent ON parent.{primary_key(parent)} = rows.parent"


def plan_for_large_sets(cursor: CursorWrapper) -> None:
    """Forbid nested loops until the end of the transaction, and let it join and sort a large file in memory.

    A table that the same transaction has just filled is empty in the planner's statistics. A nested loop over it would
    take forever.
    """
    cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '32MB'")


def check_foreign_keys(cursor: CursorWrapper) -> None:
    """Check the deferred foreign keys of the rows written and deleted so far, row by row.

    The planner expects ten pages of an empty table, and takes a bitmap for the best way to find a row in them. For each
    deleted row that takes longer than the index alone.
    """
    with planner_settings(cursor.db, enable_bitmapscan="off"):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
