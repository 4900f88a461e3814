"""Pieces of SQL over the columns of a plan. Every name in them comes from a model or a resource, none from a file."""

from collections.abc import Iterable

from django.db import connection
from django.db.models import Model

from healthtrack.imports.plan import Column, Plan

STAGED = "staged_rows"
COMPARED = "compared_rows"


def quoted(name: str | None) -> str:
    return connection.ops.quote_name(str(name))


def table(model: type[Model]) -> str:
    return quoted(model._meta.db_table)


def primary_key(model: type[Model]) -> str:
    return quoted(model._meta.pk.column)


def comma(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def declared(column: Column) -> str:
    parameters = column.field.db_parameters(connection)
    collation = parameters.get("collation")
    return f"{quoted(column.name)} {parameters['type']}" + (f" COLLATE {quoted(collation)}" if collation else "")


def staged(column: Column, alias: str = "rows") -> str:
    return f"{alias}.{quoted(column.name)}"


def stored(column: Column) -> str:
    return f"{'parent' if column.of_parent else 'target'}.{quoted(column.field.column)}"


def folded(column: Column, alias: str = "rows") -> str:
    """The column as it is compared within a key."""
    return f"lower({staged(column, alias)})" if column.case_blind else staged(column, alias)


def same_as_stored(columns: Iterable[Column]) -> str:
    return " AND ".join(
        f"{folded(column)} = " + (f"lower({stored(column)})" if column.case_blind else stored(column))
        for column in columns
        if column.is_key
    )


def stored_rows(plan: Plan) -> str:
    """Joins the staged `rows` to the stored ones of their keys: `target`, and `parent` where the plan has one."""
    target = f"LEFT JOIN {table(plan.model)} AS target ON {same_as_stored(plan.own_columns)}"
    if not plan.parent:
        return target
    parent = plan.parent.model
    return (
        f"LEFT JOIN {table(parent)} AS parent ON {same_as_stored(plan.parent_columns)} {target}"
        f" AND target.{quoted(plan.parent.foreign_key)} = parent.{primary_key(parent)}"
    )
