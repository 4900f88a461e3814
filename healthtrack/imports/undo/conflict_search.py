"""Find the conflicts: the rows that an undo leaves as they are, and why."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from healthtrack.audit.triggers import OWN_KEY, tracked_models
from healthtrack.imports.reasons import ConflictReason
from healthtrack.imports.tables.sql import quoted
from healthtrack.imports.undo.affected_rows import Execute, Found
from healthtrack.imports.undo.tracked import TrackedTable, get_subject_columns

# Changes by others, after the run, that are not undone themselves.
CHANGED_BY_OTHERS = """
    change_id > %(mark)s AND run_id IS DISTINCT FROM %(run)s AND (run_id IS NULL OR run_id <> ALL(%(void)s))
"""
# A link that follows from the reported tracker does not count, nor does a row of a derived table: nobody made it.
_LATER = f"""
    {CHANGED_BY_OTHERS} AND (fields -> 'source' IS NULL OR fields -> 'source' ? 'staff')
    AND table_name <> ALL(%(derived)s)
"""


def find_conflicts(execute: Execute, tables: Sequence[TrackedTable], found: Found) -> None:
    """Store the reason of each conflict in `undone`, which holds what `found` says."""
    _find_changed_since(execute)
    for each in tables:
        if (each.name, "restore") in found:
            _find_deleted_since(execute, each)
    deleted = {name for name, what in found if what == "delete"}
    for each in map(TrackedTable, tracked_models().values()):
        for column, owner in _get_references(each):
            if owner.name in deleted:
                _find_in_use(execute, each, column, owner)
    for each in tables:
        for column, owner in _get_references(each):
            if {each.name, owner.name} <= deleted:
                _find_tied_to_owner(execute, each, column, owner)


def leave_subjects(execute: Execute, subject: TrackedTable, keys: Collection[Any], reason: ConflictReason) -> None:
    """Store a conflict for all rows of these subjects, such as patients with their links."""
    (column,) = subject.keys
    key = subject.history_keys
    # Rows that are not a subject have numbers of their own in the same column, whatever their table.
    own = "table_name = %(table)s AND " if key == quoted(OWN_KEY) else ""
    execute(
        f"""
        UPDATE undone SET conflict = %(conflict)s
         WHERE conflict IS NULL AND ({own}{key} = ANY (%(keys)s) OR state ->> '{column}' = ANY (%(keys)s::text[]))
        """,  # noqa: S608 (names of columns, from the models)
        conflict=reason,
        keys=list(keys),
        table=subject.name,
    )


def _get_references(each: TrackedTable) -> Iterator[tuple[str, TrackedTable]]:
    return ((column, owner) for column, owner in each.relations if not each.is_deleted_with(column))


def _find_changed_since(execute: Execute) -> None:
    """Find rows whose subject, such as the patient, was changed since, and changed rows with a number of their own."""
    columns = [quoted(column) for column in get_subject_columns()]
    for place, column in enumerate(columns):
        is_first = "".join(f" AND {earlier} IS NULL" for earlier in columns[:place])
        execute(
            f"""
            UPDATE undone SET conflict = %(conflict)s
             WHERE {OWN_KEY} IS NULL {is_first}
               AND {column} IN (SELECT {column} FROM changes WHERE {_LATER} AND {column} IS NOT NULL {is_first})
            """,  # noqa: S608 (names of columns, from the models)
            conflict=ConflictReason.CHANGED_SINCE,
        )
    execute(
        f"""
        UPDATE undone SET conflict = %(conflict)s
         WHERE (table_name, {OWN_KEY}) IN (
             SELECT table_name, {OWN_KEY} FROM changes WHERE {_LATER} AND {OWN_KEY} IS NOT NULL)
        """,  # noqa: S608 (constants of this module)
        conflict=ConflictReason.CHANGED_SINCE,
    )


def _find_deleted_since(execute: Execute, each: TrackedTable) -> None:
    execute(
        f"""
        UPDATE undone SET conflict = %(conflict)s
         WHERE table_name = %(table)s AND what = 'restore' AND conflict IS NULL
           AND NOT EXISTS (SELECT FROM {each.table} AS stored WHERE {each.match_keys("stored", "undone")})
        """,  # noqa: S608 (names of tables and columns, from the models)
        conflict=ConflictReason.DELETED_SINCE,
        table=each.name,
    )


def _find_in_use(execute: Execute, each: TrackedTable, column: str, owner: TrackedTable) -> None:
    """Find the rows to which a row refers that is neither deleted nor given back to another one."""
    execute(
        f"""
        UPDATE undone SET conflict = %(conflict)s
         WHERE table_name = %(owner)s AND what = 'delete' AND conflict IS NULL
           AND {owner.history_keys} IN (
               SELECT stored.{quoted(column)} FROM {each.table} AS stored
                WHERE NOT EXISTS (SELECT FROM undone AS own
                                   WHERE own.table_name = %(table)s AND own.conflict IS NULL
                                     AND (own.what = 'delete' OR own.what = 'restore' AND own.state ? %(column)s)
                                     AND {each.match_keys("stored", "own")}))
        """,  # noqa: S608 (names of tables and columns, from the models)
        conflict=ConflictReason.IN_USE,
        table=each.name,
        owner=owner.name,
        column=column,
    )


def _find_tied_to_owner(execute: Execute, each: TrackedTable, column: str, owner: TrackedTable) -> None:
    execute(
        f"""
        UPDATE undone SET conflict = %(conflict)s
          FROM {each.table} AS stored
          JOIN undone AS owner ON owner.table_name = %(owner)s AND owner.what = 'delete'
                              AND owner.conflict IS NOT NULL AND owner.{owner.history_keys} = stored.{quoted(column)}
         WHERE undone.table_name = %(table)s AND undone.what = 'delete' AND undone.conflict IS NULL
           AND {each.match_keys("stored", "undone")}
        """,  # noqa: S608 (names of tables and columns, from the models)
        conflict=ConflictReason.OWNER_STAYS,
        table=each.name,
        owner=owner.name,
    )
