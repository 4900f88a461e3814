"""Find the rows that an undo leaves as they are, and why."""

from collections.abc import Iterator, Sequence

from healthtrack.audit.triggers import OWN_KEY, tracked_models
from healthtrack.imports.reasons import ConflictReason
from healthtrack.imports.sql import quoted
from healthtrack.imports.undo.affected_rows import Execute
from healthtrack.imports.undo.tracked import Tracked, subject_columns

# Of others, after the run, and not undone meanwhile. Links that follow from a reported tracker are nobody's change.
_LATER = """
    change_id > %(mark)s AND run_id IS DISTINCT FROM %(run)s AND (run_id IS NULL OR run_id <> ALL(%(void)s))
    AND (fields -> 'source' IS NULL OR fields -> 'source' ? 'staff')
"""


def find_conflicts(execute: Execute, tables: Sequence[Tracked]) -> None:
    _find_changed_since(execute)
    for each in tables:
        _find_deleted_since(execute, each)
    for each in map(Tracked, tracked_models().values()):
        for column, owner in _references(each):
            _find_in_use(execute, each, column, owner)
    for each in tables:
        for column, owner in _references(each):
            _find_kept_with_owner(execute, each, column, owner)


def _references(each: Tracked) -> Iterator[tuple[str, Tracked]]:
    return ((column, owner) for column, owner in each.relations if not each.goes_with(column))


def _find_changed_since(execute: Execute) -> None:
    """Find changes by the first subject that they concern, as a patient with the links, or by the row's own number."""
    columns = [quoted(column) for column in subject_columns()]
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


def _find_deleted_since(execute: Execute, each: Tracked) -> None:
    execute(
        f"""
        UPDATE undone SET conflict = %(conflict)s
         WHERE table_name = %(table)s AND what = 'restore' AND conflict IS NULL
           AND NOT EXISTS (SELECT FROM {each.table} AS stored WHERE {each.same("stored", "undone")})
        """,  # noqa: S608 (names of tables and columns, from the models)
        conflict=ConflictReason.DELETED_SINCE,
        table=each.name,
    )


def _find_in_use(execute: Execute, each: Tracked, column: str, owner: Tracked) -> None:
    execute(
        f"""
        UPDATE undone SET conflict = %(conflict)s
         WHERE table_name = %(owner)s AND what = 'delete' AND conflict IS NULL
           AND {owner.held} IN (
               SELECT stored.{quoted(column)} FROM {each.table} AS stored
                WHERE NOT EXISTS (SELECT FROM undone AS own
                                   WHERE own.table_name = %(table)s AND own.what = 'delete'
                                     AND own.conflict IS NULL AND {each.same("stored", "own")}))
        """,  # noqa: S608 (names of tables and columns, from the models)
        conflict=ConflictReason.IN_USE,
        table=each.name,
        owner=owner.name,
    )


def _find_kept_with_owner(execute: Execute, each: Tracked, column: str, owner: Tracked) -> None:
    execute(
        f"""
        UPDATE undone SET conflict = %(conflict)s
          FROM {each.table} AS stored
          JOIN undone AS kept ON kept.table_name = %(owner)s AND kept.what = 'delete'
                             AND kept.conflict IS NOT NULL AND kept.{owner.held} = stored.{quoted(column)}
         WHERE undone.table_name = %(table)s AND undone.what = 'delete' AND undone.conflict IS NULL
           AND {each.same("stored", "undone")}
        """,  # noqa: S608 (names of tables and columns, from the models)
        conflict=ConflictReason.KEPT_WITH_OWNER,
        table=each.name,
        owner=owner.name,
    )
