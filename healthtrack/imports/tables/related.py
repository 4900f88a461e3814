"""Rows of a junction table that follow from a text column of the imported rows, as an importer declares them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Model

from healthtrack.imports.columns.plan import Plan
from healthtrack.imports.tables.sql import (
    WITHIN_STEP,
    comma,
    primary_key,
    quoted,
    stored_column,
    table,
)


@dataclass(frozen=True)
class Lookup:
    """A database view of names in lower case, each with the key of a row that it names.

    A name may have several rows. It is ambiguous when its rows differ in the column `group`.
    """

    view: str
    name: str
    key: str
    group: str


@dataclass(frozen=True)
class RelatedRows:
    """One row of the junction table `model` for each row that the staged column `column` names.

    `owner` and `other` are the junction's columns for the imported row and for the named one, `values` what its other
    columns hold. `count` is the imported table's column with the number of related rows.
    """

    column: str
    lookup: Lookup
    model: type[Model]
    owner: str
    other: str
    values: Mapping[str, str]
    count: str

    def insert(self, plan: Plan, staged: str) -> str:
        """Return the statement that inserts those of a step's new rows in the table `staged`."""
        (key,) = plan.keys
        columns = comma(map(quoted, [self.owner, self.other, *self.values]))
        values = "".join(f", %({name})s" for name in self.values)
        return f"""
            INSERT INTO {table(self.model)} ({columns})
            SELECT rows.{quoted(key.name)}, named.{quoted(self.lookup.key)}{values}
              FROM {staged} AS rows JOIN {quoted(self.lookup.view)} AS named ON {self._matches}
             WHERE rows.outcome = 'new' AND {WITHIN_STEP} ORDER BY rows.{quoted(key.name)}
        """  # noqa: S608 (names of columns, tables and views that the program declares)

    def count_by_row(self) -> str:
        """Return a join that gives each staged row the number of its related rows, `related.rows`."""
        name = quoted(self.lookup.name)
        return f"""
            LEFT JOIN (SELECT {name}, count(*) AS rows FROM {quoted(self.lookup.view)} GROUP BY {name}) AS related
                   ON related.{name} = {self._folded}
        """  # noqa: S608 (names of columns and views that the program declares)

    def count_matches(self, staged: str, condition: str) -> str:
        """Return the query of the counts in `MatchCounts`, of the rows in the table `staged` with the condition."""
        name, group = quoted(self.lookup.name), quoted(self.lookup.group)
        return f"""
            SELECT count(*) FILTER (WHERE named.groups > 0),
                   count(*) FILTER (WHERE named.groups IS NULL),
                   count(*) FILTER (WHERE named.groups > 1)
              FROM {staged} AS rows
              LEFT JOIN (SELECT {name}, count(DISTINCT {group}) AS groups
                           FROM {quoted(self.lookup.view)} GROUP BY {name}) AS named ON {self._matches}
             WHERE rows.{quoted(self.column)} <> '' AND {condition}
        """  # noqa: S608 (names of columns, tables and views that the program declares)

    def find_rematched(self, plan: Plan, staged: str) -> str:
        """Return the query of the keys of stored rows whose column changes to a name that means something else.

        A name that means no row means something else than any other name.
        """
        target_key, name, key = primary_key(plan.model), quoted(self.lookup.name), quoted(self.lookup.key)
        (column,) = (column for column in plan.columns if column.name == self.column)
        meanings = f"SELECT {name}, array_agg({key} ORDER BY {key}) AS keys FROM {quoted(self.lookup.view)} GROUP BY 1"  # noqa: S608 (names of columns and views that the program declares)
        return f"""
            SELECT target.{target_key}
              FROM {staged} AS rows
              JOIN {table(plan.model)} AS target ON target.{target_key} = rows.target
              LEFT JOIN ({meanings}) AS before ON before.{name} = lower({stored_column(column)})
              LEFT JOIN ({meanings}) AS after ON after.{name} = {self._folded}
             WHERE rows.outcome = 'changed' AND lower({stored_column(column)}) <> {self._folded}
               AND coalesce(before.keys <> after.keys, true)
        """  # noqa: S608 (names of columns and tables that the program declares)

    @property
    def _folded(self) -> str:
        return f"lower(rows.{quoted(self.column)})"

    @property
    def _matches(self) -> str:
        return f"named.{quoted(self.lookup.name)} = {self._folded}"


class MatchCounts(NamedTuple):
    """Staged rows that hold a name: how many find a row, find none, and find rows of several groups."""

    matched: int
    unmatched: int
    ambiguous: int
