"""Takes a file into the tables: read, clean, validate, merge, compare, and apply, a set at a time.

A check leaves what it has read in the run's staging area, from where the import takes it.
"""

from pathlib import Path

from django.db import transaction

from healthtrack.imports import staged_errors, writing
from healthtrack.imports.checking import check_batch
from healthtrack.imports.headers import lay_out
from healthtrack.imports.hooks import Effects
from healthtrack.imports.models import Stage
from healthtrack.imports.progress import Progress
from healthtrack.imports.reading import open_table
from healthtrack.imports.reading.table import LINE, Table
from healthtrack.imports.reasons import Notice, Reason
from healthtrack.imports.resources import SetResource
from healthtrack.imports.results import ApplyResult, CheckResult, FaultGroup, TableCounts, TabularResult
from healthtrack.imports.row_errors import Fault, FileRefusedError
from healthtrack.imports.sql import plan_for_large_sets
from healthtrack.imports.staging import StagedRows
from healthtrack.imports.staging_schema import StagingArea

COMPARING_STEPS = 4


def check(resource: SetResource, path: Path, run_id: int, progress: Progress) -> CheckResult:
    """Fill the run's staging area, and return what was found; to be called within a transaction."""
    area = StagingArea(run_id)
    area.make()
    with area.entered() as cursor:
        plan_for_large_sets(cursor)
        return _Check(resource, path, StagedRows(resource.plan, cursor), progress).run()


def apply(resource: SetResource, run_id: int, progress: Progress) -> ApplyResult:
    """Take the staged rows into the tables, compared again with what others have left there meanwhile.

    To be called within a transaction, which must end at once: it holds the turn of all imports.
    """
    with StagingArea(run_id).entered() as cursor:
        plan_for_large_sets(cursor)
        rows = StagedRows(resource.plan, cursor)
        progress.begin(Stage.TURN)
        rows.take_turn()
        progress.begin(Stage.COMPARING_AGAIN)
        rows.compare()
        tables = rows.counts()
        rows.lock_changed()
        progress.begin(Stage.WRITING, tables[-1].new + tables[-1].changed)
        effects = writing.write(resource, rows, progress)
    result = TabularResult(tables, effects=effects)
    return ApplyResult(result.affected, {"tables": result.details()["tables"], "effects": dict(effects)})


class _Check:
    """The check of one file: what it needs, and what it has found so far."""

    def __init__(self, resource: SetResource, path: Path, rows: StagedRows, progress: Progress) -> None:
        self.resource = resource
        self.path = path
        self.rows = rows
        self.progress = progress
        self.rows_read = 0
        self.notices: list[Notice] = []

    def run(self) -> CheckResult:
        cursor = self.rows.cursor
        self.rows.make_table()
        staged_errors.make_tables(cursor)
        is_table = self._read()
        errors, invalid = staged_errors.count(cursor)
        groups: list[FaultGroup] = []
        if errors:
            staged_errors.arrange(cursor)
            groups = staged_errors.groups(cursor)
        result = TabularResult(notices=self.notices, groups=groups)
        if not is_table:
            return CheckResult(errors=errors, refused=Reason.NOT_A_TABLE, details=result.details())
        tables, effects = self._compare()
        if errors:
            staged_errors.keep_rows(cursor, self.path)
        valid, counts = self.rows_read - invalid, tables[-1]
        merged = valid - (counts.new + counts.changed + counts.unchanged)
        result = TabularResult(tables, merged, effects, self.notices, groups)
        refused = Reason.NONE if valid else Reason.NO_VALID_ROW
        return CheckResult(self.rows_read, invalid, errors, result.affected, refused, result.details())

    def _read(self) -> bool:
        """Stage the file's valid rows and its errors. Return whether it is a table of these columns."""
        with staged_errors.fault_spool() as spool:
            try:
                # A file may turn out to be damaged after many rows, amid the COPY that takes these in.
                with open_table(self.path) as table, transaction.atomic():
                    self._stage(table, spool)
                self.progress.begin(Stage.COMPARING, COMPARING_STEPS)
                spool.add(self.rows.merge_repeated())
            except FileRefusedError as refused:
                self.rows_read = 0
                spool.add(refused.faults)
            spool.store(self.rows.cursor)
        return self.rows_read > 0

    def _stage(self, table: Table, spool: staged_errors.FaultSpool) -> None:
        columns = self.resource.plan.columns
        layout = lay_out(table, columns)
        if layout.faults:
            raise FileRefusedError(*layout.faults)
        self.notices = layout.notices
        self.progress.begin(Stage.READING, table.rows_expected)
        with self.rows.filling() as fill:
            for batch in table.batches:
                named = batch.select(LINE, *layout.positions).rename(layout.positions)
                checked = check_batch(named, columns, self.resource.row_rules())
                fill(checked.rows)
                left_out = table.drain()
                spool.add([*checked.faults, *(row.fault for row in left_out)])
                self.rows_read += len(batch) + len(left_out)
                self.progress.advance(len(batch) + len(left_out))
        if not self.rows_read:
            reason = "The file holds a header and no rows; add the rows below it."
            raise FileRefusedError(Fault(reason, table.header_line))

    def _compare(self) -> tuple[list[TableCounts], Effects]:
        """Compare the rows with the stored ones. Return the counts by table, and the effects to be expected."""
        rows = self.rows
        rows.compare()
        self.progress.advance(1)
        tables = rows.counts()
        self.progress.advance(1)
        effects = writing.preview(self.resource, rows)
        self.progress.advance(1)
        rows.arrange()
        return tables, effects
