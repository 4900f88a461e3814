"""Import a file into the tables: read, clean, validate, combine duplicates, compare and write, a set at a time.

A check leaves the rows in the run's staging tables. The import takes them from there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from healthtrack.imports import staged_errors, staging_tables, writing
from healthtrack.imports.checking import ColumnCheck, check_batch
from healthtrack.imports.comparing import compare, compare_again
from healthtrack.imports.detection.reading import AS_THE_HEADER_SAYS, FileReading
from healthtrack.imports.headers import Layout, find_layout
from healthtrack.imports.hooks import Effects
from healthtrack.imports.importer import RunInput
from healthtrack.imports.models import Stage
from healthtrack.imports.notation import DOCUMENTED
from healthtrack.imports.progress import Progress
from healthtrack.imports.reading import open_table
from healthtrack.imports.reading.table import LINE, Table
from healthtrack.imports.reasons import Notice, Reason
from healthtrack.imports.resources import BulkModelResource
from healthtrack.imports.results import ApplyResult, CheckResult, ErrorGroup, StalePreview, TableCounts, TabularResult
from healthtrack.imports.row_errors import FileError, RowError
from healthtrack.imports.sql import plan_for_large_sets
from healthtrack.imports.staging import StagedRows, acquire_import_lock

COMPARE_STEPS = 4


def check(
    resource: BulkModelResource, path: Path, run_id: int, progress: Progress, reading: FileReading = AS_THE_HEADER_SAYS
) -> CheckResult | None:
    """Read and check a file into the run's staging tables. Return what was found. Call it within a transaction.

    Return None if values contradict the way in which their columns are read, which only the first rows have shown.
    """
    tables = staging_tables.begin(run_id)
    with connection.cursor() as cursor:
        plan_for_large_sets(cursor)
        try:
            return _FileCheck(resource, path, reading, StagedRows(resource.plan, cursor, tables), progress).run()
        except _ContradictedError:
            return None


def apply(resource: BulkModelResource, work: RunInput, progress: Progress) -> ApplyResult | StalePreview:
    """Write the staged rows into the tables, unless these no longer hold what a person has seen in a preview.

    To be called within a transaction, which must end soon afterwards: it holds the lock of all imports.
    """
    with connection.cursor() as cursor:
        plan_for_large_sets(cursor)
        rows = StagedRows(resource.plan, cursor, staging_tables.find(work.run_id))
        progress.begin(Stage.TURN)
        acquire_import_lock(cursor)
        progress.begin(Stage.COMPARING_AGAIN)
        rows.lock_changed()  # from now on nobody changes what the preview showed
        stale = compare_again(rows)
        tables = rows.count_outcomes()
        effects = resource.count_effects(rows)
        if work.previewed is not None and (stale or _differ(effects, work.previewed)):
            effects = writing.preview(resource, rows)
            return StalePreview(*_make_details(TabularResult(tables, effects=effects, stale=stale)))
        if stale:
            rows.lock_changed()
        progress.begin(Stage.WRITING, tables[-1].new + tables[-1].changed)
        effects = {**effects, **writing.write(resource, rows, progress)}
    return ApplyResult(*_make_details(TabularResult(tables, effects=effects)))


def _differ(effects: Effects, previewed: Mapping[str, Any]) -> bool:
    """Return whether the preview showed other effects of the same rows, because other tables have changed since."""
    shown = TabularResult.of(previewed).effects
    return any(shown.get(name) != count for name, count in effects.items())


def _make_details(result: TabularResult) -> tuple[int, dict[str, Any]]:
    details = result.details()
    return result.affected, {name: details[name] for name in ("tables", "effects", "stale")}


class _ContradictedError(Exception):
    """A column has values that only another notation reads."""


class _FileCheck:
    """The check of one file: what it needs, and what it has found so far."""

    def __init__(
        self,
        resource: BulkModelResource,
        path: Path,
        reading: FileReading,
        rows: StagedRows,
        progress: Progress,
    ) -> None:
        self.resource = resource
        self.path = path
        self.reading = reading
        self.rows = rows
        self.progress = progress
        self.rows_read = 0
        self._layout = Layout()
        self.notices: list[Notice] = []

    def run(self) -> CheckResult:
        cursor, staged = self.rows.cursor, self.rows.tables
        self.rows.create_table()
        staged_errors.create_tables(cursor, staged)
        is_table = self._read()
        errors, invalid = staged_errors.count_errors(cursor, staged)
        groups: list[ErrorGroup] = []
        if errors:
            staged_errors.create_indexes(cursor, staged)
            groups = staged_errors.group_errors(cursor, staged)
        result = TabularResult(notices=self.notices, groups=groups)
        if not is_table:
            return CheckResult(errors=errors, refused=Reason.NOT_A_TABLE, details=result.details())
        tables, effects = self._compare()
        if errors:
            staged_errors.store_invalid_rows(cursor, staged, self.path, self.reading.structure, self._layout.prepare)
        valid, counts = self.rows_read - invalid, tables[-1]
        merged = valid - (counts.new + counts.changed + counts.unchanged)
        result = TabularResult(tables, merged, effects, self.notices, groups)
        refused = Reason.NONE if valid else Reason.NO_VALID_ROW
        return CheckResult(self.rows_read, invalid, errors, result.affected, refused, result.details())

    def _read(self) -> bool:
        """Stage the file's valid rows and its errors. Return whether it is a table of these columns."""
        with staged_errors.open_error_spool() as spool:
            try:
                # A damaged file may be noticed only after many rows, during the COPY. The savepoint then undoes it.
                with open_table(self.path, self.reading.structure) as table, transaction.atomic():
                    self._stage(table, spool)
                self.progress.begin(Stage.COMPARING, COMPARE_STEPS)
                self.rows.combine_duplicates(spool.add)
            except FileError as error:
                self.rows_read = 0
                spool.add(error.errors)
            spool.store(self.rows.cursor, self.rows.tables)
        return self.rows_read > 0

    def _stage(self, table: Table, spool: staged_errors.ErrorSpool) -> None:
        columns = self.resource.plan.columns
        layout = self._layout = find_layout(table, columns, self.reading.fields)
        if layout.errors:
            raise FileError(*layout.errors)
        self.notices = layout.notices
        layout.prepare(table)
        checks = [
            ColumnCheck(column, self.reading.notations.get(column.name, DOCUMENTED), layout.headers[column.name])
            for column in columns
        ]
        self.progress.begin(Stage.READING, table.rows_expected)
        with self.rows.open_copy() as copy_rows:
            for batch in table.batches:
                named = batch.select(LINE, *layout.positions).rename(layout.positions)
                checked = check_batch(named, columns, self.resource.row_rules(), checks)
                if checked.contradicted and not self.reading.is_final:
                    raise _ContradictedError
                copy_rows(checked.rows)
                malformed = table.take_malformed_rows()
                spool.add(checked.errors)
                spool.add(row.error for row in malformed)
                self.rows_read += len(batch) + len(malformed)
                self.progress.advance(len(batch) + len(malformed))
        if not self.rows_read:
            reason = "The file has a header but no rows. Add rows below it."
            raise FileError(RowError(reason, table.header_line))

    def _compare(self) -> tuple[list[TableCounts], Effects]:
        """Compare the rows with the stored ones. Return the counts by table, and the effects to be expected."""
        rows = self.rows
        compare(rows)
        self.progress.advance(1)
        tables = rows.count_outcomes()
        self.progress.advance(1)
        effects = writing.preview(self.resource, rows)
        self.progress.advance(1)
        rows.create_indexes()
        return tables, effects
