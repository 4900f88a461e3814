"""A column whose texts name rows of another table, such as the serial number of a device."""

from collections.abc import Sequence

import polars as pl
from django.db import connection
from django.db.models import F, Func, Value
from django.db.models.expressions import Combinable

from healthtrack.imports.columns.notation import DOCUMENTED, Notation
from healthtrack.imports.columns.widgets import ErrorRule, ModelField, TextWidget, restore_formulas

_AMBIGUOUS = -1  # instead of a key


class ReferenceWidget(TextWidget):
    """A foreign key, which files write as a name of the row, in upper or lower case.

    `query` returns the known names in lower case, each with a key. They are read all at once, so it suits tables that
    fit into memory. `names` are the columns that make up the name that people see, separated by blanks. `holds` says
    what a cell may hold; `unknown` and `ambiguous` say what is wrong with a text that names no or several rows.
    """

    def __init__(self, query: str, names: Sequence[str], *, holds: str, unknown: str, ambiguous: str = "") -> None:
        super().__init__()
        self.query, self.names = query, names
        self.holds, self.unknown, self.ambiguous = holds, unknown, ambiguous
        self.keys: dict[str, int] = {}

    def prepare(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self.query)
            self.keys = {}
            for name, key in cursor.fetchall():
                self.keys[name] = key if self.keys.get(name, key) == key else _AMBIGUOUS

    def read(self, text: pl.Expr, field: ModelField, notation: Notation = DOCUMENTED) -> pl.Expr:
        folded = restore_formulas(text).str.to_lowercase()
        return folded.replace_strict(self.keys, default=None, return_dtype=pl.Int64)

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        return [
            (value == _AMBIGUOUS, self.ambiguous),
            (text.is_not_null() & value.is_null(), self.unknown),
        ]

    def describe_values(self, field: ModelField) -> str:
        return self.holds

    def get_export(self, attribute: str) -> str | Combinable:
        first, *others = (f"{attribute}__{name}" for name in self.names)
        return Func(Value(" "), F(first), *map(F, others), function="concat_ws") if others else first

    def get_shown(self, field: ModelField, value: str) -> str:
        """Return SQL for the name of the row whose key is the SQL `value`."""
        options, quote = field.related_model._meta, connection.ops.quote_name  # type: ignore[union-attr]  # a foreign key
        columns = ", ".join(f"named.{quote(name)}" for name in self.names)
        return (
            f"(SELECT concat_ws(' ', {columns}) FROM {quote(options.db_table)} AS named"  # noqa: S608 (names of models)
            f" WHERE named.{quote(str(options.pk.column))} = {value})"
        )
