"""Takes a file into the tables: read, clean, validate, merge, compare, and apply, a set at a time.

A check leaves what it has read in the run's staging area, from where the import takes it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.backends.utils import CursorWrapper

from healthtrack.imports import staged_errors, writing
from healthtrack.imports.checking import check_batch
from healthtrack.imports.headers import lay_out
from healthtrack.imports.models import ImportRun, Stage
from healthtrack.imports.progress import Progress
from healthtrack.imports.reading import open_table
from healthtrack.imports.reading.table import LINE, Table
from healthtrack.imports.results import LinkCounts
from healthtrack.imports.row_errors import Fault, FileRefusedError
from healthtrack.imports.staging import StagedRows
from healthtrack.imports.staging_schema import StagingArea

if TYPE_CHECKING:
    from healthtrack.imports.resources import SetResource

COMPARING_STEPS = 4


def check(resource: "SetResource", path: Path, run: ImportRun, progress: Progress) -> None:
    """Fills the run's staging area, and the run with what was found; to be used within a transaction."""
    area = StagingArea(run.run_id)
    area.make()
    with area.entered() as cursor:
        plan_for_large_sets(cursor)
        _Check(resource, path, run, progress, StagedRows(resource.plan, cursor)).do()


def apply(resource: "SetResource", run: ImportRun, progress: Progress) -> None:
    """Takes the staged rows into the tables, compared anew with what others have left there meanwhile.

    To be used within a transaction, which must end at once: it holds the turn of all imports.
    """
    with StagingArea(run.run_id).entered() as cursor:
        plan_for_large_sets(cursor)
        rows = StagedRows(resource.plan, cursor)
        progress.begin(Stage.TURN)
        rows.take_turn()
        progress.begin(Stage.COMPARING_AGAIN)
        rows.compare()
        run.tables = rows.counts()
        rows.lock_changed()
        progress.begin(Stage.WRITING, run.counts.new + run.counts.changed)
        effects = writing.write(resource, rows, progress)
    run.links, run.link_summary = LinkCounts(**effects), resource.describe(effects)


@dataclass(frozen=True)
class _Check:
    resource: "SetResource"
    path: Path
    run: ImportRun
    progress: Progress
    rows: StagedRows

    def do(self) -> None:
        cursor = self.rows.cursor
        self.rows.make_table()
        staged_errors.make_tables(cursor)
        is_table = self._read()
        self.run.faults, rows_faulty = staged_errors.count(cursor)
        self.run.rows_faulty = rows_faulty if is_table else 0
        if self.run.faults:
            staged_errors.arrange(cursor)
            self.run.fault_groups = staged_errors.groups(cursor)
        if is_table:
            self._compare()
            if self.run.faults:
                staged_errors.keep_rows(cursor, self.path)

    def _read(self) -> bool:
        """Whether the file is a table of these columns; stages its good rows, and tells its faults."""
        with staged_errors.fault_spool() as spool:
            try:
                # A file may turn out to be damaged after many rows, amid the COPY that takes these in.
                with open_table(self.path) as table, transaction.atomic():
                    self._stage(table, spool)
                self.progress.begin(Stage.COMPARING, COMPARING_STEPS)
                spool.add(self.rows.merge_repeated())
            except FileRefusedError as refused:
                self.run.rows_read = 0
                spool.add(refused.faults)
            spool.store(self.rows.cursor)
        return self.run.rows_read > 0

    def _stage(self, table: Table, spool: staged_errors.FaultSpool) -> None:
        columns = self.resource.plan.columns
        layout = lay_out(table, columns)
        if layout.faults:
            raise FileRefusedError(*layout.faults)
        self.run.notices = layout.notices
        self.progress.begin(Stage.READING, table.rows_expected)
        with self.rows.filling() as fill:
            for batch in table.batches:
                named = batch.select(LINE, *layout.positions).rename(layout.positions)
                checked = check_batch(named, columns, self.resource.row_rules())
                fill(checked.rows)
                left_out = table.drain()
                spool.add([*checked.faults, *(row.fault for row in left_out)])
                self.run.rows_read += len(batch) + len(left_out)
                self.progress.advance(len(batch) + len(left_out))
        if not self.run.rows_read:
            reason = "The file holds a header and no rows; add the rows below it."
            raise FileRefusedError(Fault(reason, table.header_line))

    def _compare(self) -> None:
        run, rows = self.run, self.rows
        rows.compare()
        self.progress.advance(1)
        run.tables = rows.counts()
        run.rows_merged = run.rows_good - sum((run.counts.new, run.counts.changed, run.counts.unchanged))
        self.progress.advance(1)
        effects = writing.preview(self.resource, rows)
        run.links, run.link_summary = LinkCounts(**effects), self.resource.describe(effects)
        self.progress.advance(1)
        rows.arrange()


def plan_for_large_sets(cursor: CursorWrapper) -> None:
    # A table that the same transaction has just filled looks empty to the planner's statistics, and a nested loop
    # over what only looks empty would take for ever.
    cursor.execute("SET LOCAL enable_nestloop = off")
