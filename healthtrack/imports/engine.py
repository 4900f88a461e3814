"""Takes a file into the tables: read, clean, validate, merge, compare, and apply, a set at a time."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

from healthtrack.collisions import is_collision
from healthtrack.imports.checking import check_batch
from healthtrack.imports.faults import Fault, FileRefusedError
from healthtrack.imports.headers import lay_out
from healthtrack.imports.reading import open_table
from healthtrack.imports.reading.table import LINE, Table
from healthtrack.imports.results import OUTCOMES, ImportResult
from healthtrack.imports.staging import StagedRows

if TYPE_CHECKING:
    from healthtrack.imports.resources import SetResource

MOST_SAMPLES = 100


def run_import(resource: "SetResource", path: Path, *, dry_run: bool) -> ImportResult:
    """Imports the file in one transaction, or finds what that would change.

    Nothing is changed when the result holds a fault.
    """
    started = time.monotonic()
    result = ImportResult()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # A table that the same transaction has just filled looks empty to the planner's statistics, and a nested
            # loop over what only looks empty would take for ever.
            cursor.execute("SET LOCAL enable_nestloop = off")
            _import(resource, path, result, cursor, dry_run=dry_run)
            if dry_run or result.faults:
                transaction.set_rollback(True)
    except FileRefusedError as refused:
        result.faults.extend(refused.faults)
    except (IntegrityError, OperationalError) as fault:
        if not is_collision(fault):
            raise
        result.faults.append(
            Fault("Somebody changed these tables during the import, so nothing was imported; import it again.")
        )
    result.seconds = time.monotonic() - started
    return result


def _import(resource: "SetResource", path: Path, result: ImportResult, cursor: CursorWrapper, *, dry_run: bool) -> None:
    result.headers = [column.header for column in resource.plan.columns]
    rows = StagedRows(resource.plan, cursor)
    with open_table(path) as table:
        _stage(resource, table, rows, result)
    if not dry_run:
        rows.take_turn()
    result.faults.extend(rows.merge_repeated())
    result.faults.sort(key=lambda fault: fault.line or 0)
    result.rows_faulty = len({fault.line for fault in result.faults})
    rows.compare()
    result.tables = rows.counts()
    counts = result.counts
    merged = counts.new + counts.changed + counts.unchanged
    result.rows_merged = max(result.rows_read - result.rows_faulty - merged, 0)
    if dry_run:
        result.samples = {outcome: rows.samples(outcome, MOST_SAMPLES) for outcome in OUTCOMES}
        result.links = resource.preview(rows)
    elif not result.faults:
        rows.lock_changed()
        result.links = resource.apply(rows)
        # The deferred foreign keys are checked here, where a fault can still be told, and not at the commit.
        connection.check_constraints()
    result.link_summary = resource.describe(result.links)


def _stage(resource: "SetResource", table: Table, rows: StagedRows, result: ImportResult) -> None:
    columns = resource.plan.columns
    layout = lay_out(table, columns)
    if layout.faults:
        raise FileRefusedError(*layout.faults)
    result.notices.extend(layout.notices)
    with rows.filling() as fill:
        for batch in table.batches:
            named = batch.select(LINE, *layout.positions).rename(layout.positions)
            checked = check_batch(named, columns, resource.row_rules())
            fill(checked.rows)
            left_out = table.drain()
            result.faults += [*checked.faults, *(row.fault for row in left_out)]
            result.rows_read += len(batch) + len(left_out)
    if not result.rows_read:
        raise FileRefusedError(Fault("The file holds a header and no rows; add the rows below it.", table.header_line))
