"""Describe the tables of HealthTrack's models as a page of Markdown, without a connection to a database."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import BaseConstraint, Field, ForeignKey, Index, Model, UniqueConstraint

Column = Field[Any, Any]

INTRODUCTION = """\
# Data model

`manage.py data_model` generates this page from the models: change those, then run it again.

PK: part of the primary key. FK: foreign key to another table. UK: part of a unique constraint, which the table
of constraints describes.
"""


def own_models() -> list[type[Model]]:
    """Return the models of HealthTrack's own apps that have a table, with those of many-to-many relations."""
    return [
        model
        for app in apps.get_app_configs()
        if _is_own(Path(app.path))
        for model in app.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]


def render_page(models: Iterable[type[Model]]) -> str:
    """Return the page: a Mermaid diagram, then a section for each table."""
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        tables = [Table(model, editor) for model in models]
        diagram = ["```mermaid", "erDiagram"]
        diagram += [line for table in tables for line in table.relations()]
        diagram += [line for table in tables for line in table.entity()]
        sections = [line for table in tables for line in table.section()]
    return "\n".join([INTRODUCTION, *diagram, "```\n", *sections])


def _is_own(folder: Path) -> bool:
    """Return whether the folder is part of the project, but not of a virtual environment inside of it."""
    return folder.is_relative_to(settings.BASE_DIR) and not folder.is_relative_to(sys.prefix)


@dataclass(frozen=True)
class Table:
    """One table of the page."""

    model: type[Model]
    editor: BaseDatabaseSchemaEditor

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @property
    def columns(self) -> list[Column]:
        # CompositePrimaryKey is a field without a column.
        return [field for field in self.model._meta.local_concrete_fields if field.column]

    @property
    def key(self) -> list[str]:
        return [str(field.column) for field in self.model._meta.pk_fields]

    def relations(self) -> Iterator[str]:
        for column in self.columns:
            if isinstance(column, ForeignKey):
                ends = f"{'|o' if column.null else '||'}--{'o|' if column.unique else 'o{'}"
                yield f'    {_referred(column)._meta.db_table} {ends} {self.name} : "{column.column}"'

    def entity(self) -> Iterator[str]:
        yield f"    {self.name} {{"
        for column in self.columns:
            comment = (column.db_comment or "").replace('"', "'")
            words = (_diagram_type(column), column.column, ", ".join(self._marks(column)), f'"{comment}"')
            yield " " * 8 + " ".join(word for word in words if word)
        yield "    }"

    def section(self) -> Iterator[str]:
        yield f"## {self.name}\n"
        if comment := self.model._meta.db_table_comment:
            yield f"{comment}.\n"
        heads = ("Column", "Type", "Null", "Default", "Comment")
        yield from _grid(heads, (self._column_row(column) for column in self.columns))
        yield from _grid(("Constraint", "Rule"), self._constraint_rows())
        yield from _grid(("Index", "On"), self._index_rows())
        yield from _grid(("Trigger", "Fires"), self._trigger_rows())

    def _marks(self, column: Column) -> Iterator[str]:
        if column.column in self.key:
            yield "PK"
        if isinstance(column, ForeignKey):
            yield "FK"
        if (column.unique and not column.primary_key) or column.column in self._unique_together():
            yield "UK"

    def _unique_together(self) -> set[str]:
        """Return the columns of unique constraints that apply to every row."""
        rules = (
            self._rule(constraint)
            for constraint in self.model._meta.constraints
            if isinstance(constraint, UniqueConstraint) and constraint.condition is None
        )
        return {name for rule in rules for name in re.findall(r'"(\w+)"', rule)}

    def _column_row(self, column: Column) -> tuple[str, ...]:
        collation = column.db_parameters(connection).get("collation")
        return (
            _code(str(column.column)),
            _code(_type(column) + (f' collate "{collation}"' if collation else "")),
            "yes" if column.null else "no",
            _code(self._default(column)),
            column.db_comment or "",
        )

    def _default(self, column: Column) -> str:
        if suffix := column.db_type_suffix(connection):
            return suffix.lower()
        if not column.has_db_default():
            return ""
        template, values = self.editor.db_default_sql(column)
        return template % tuple(self.editor.quote_value(value) for value in values)

    def _constraint_rows(self) -> Iterator[tuple[str, str]]:
        yield "primary key", _code(f"({', '.join(self.key)})")
        for column in self.columns:
            if isinstance(column, ForeignKey):
                there = f"{_referred(column)._meta.db_table} ({column.target_field.column})"
                yield "foreign key", _code(f"({column.column}) references {there}")
            if column.unique and not column.primary_key:
                yield "unique", _code(f"({column.column})")
            if check := column.db_parameters(connection)["check"]:
                yield "check", _code(f"({check})")
        for constraint in self.model._meta.constraints:
            yield _code(constraint.name), _code(self._rule(constraint))

    def _index_rows(self) -> Iterator[tuple[str, str]]:
        for column in self.columns:
            if getattr(column, "db_index", False) and not column.unique:
                yield f"of {column.column}", _code(f"({column.column})")
        for index in self.model._meta.indexes:
            yield _code(index.name), _code(self._rule(index))

    def _trigger_rows(self) -> Iterator[tuple[str, str]]:
        for trigger in self._triggers():
            fires = f"{trigger.when} {trigger.operation} for each {trigger.level}".lower()
            yield _code(trigger.name), _code(f"{fires} {trigger.render_condition(self.model)}".strip())

    def _triggers(self) -> Iterator[Any]:
        """Yield the triggers of the model, including those that other apps declare on a proxy of it."""
        for model in apps.get_models():
            if model._meta.concrete_model is self.model:
                yield from getattr(model._meta, "triggers", [])

    def _rule(self, declared: BaseConstraint | Index) -> str:
        """Return the SQL of the constraint or index, without the names that the page shows already."""
        statement = str(declared.create_sql(self.model, self.editor))
        _, _, rule = statement.partition(f'"{declared.name}" ')
        unique = "UNIQUE " if statement.startswith("CREATE UNIQUE") else ""
        return unique + rule.removeprefix(f'ON "{self.name}" ')


def _referred(column: ForeignKey[Any, Any]) -> type[Model]:
    referred: type[Model] = column.remote_field.model
    return referred


def _type(column: Column) -> str:
    declared = column.db_parameters(connection)["type"] or ""
    return declared.replace("character varying", "varchar")


def _diagram_type(column: Column) -> str:
    """Return the type without spaces and commas, which Mermaid does not allow."""
    return re.sub(r"\(\d+, *\d+\)", "", _type(column)).replace(" ", "_")


def _code(text: str) -> str:
    plain = re.sub(r'"([a-z_][a-z0-9_]*)"', r"\1", text).replace("|", r"\|")
    return f"`{plain}`" if plain else ""


def _grid(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if lines:
        yield f"| {' | '.join(heads)} |"
        yield "|" + " --- |" * len(heads)
        yield from lines
        yield ""
