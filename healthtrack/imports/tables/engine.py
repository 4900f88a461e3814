"""Import a file into the tables: read, clean, validate, combine duplicates, compare and write, a set at a time.

A check leaves the rows in the run's staging tables. The import takes them from there.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from django.db import connection, transaction

from healthtrack.imports import staging_tables
from healthtrack.imports.columns.checking import ColumnCheck, check_batch
from healthtrack.imports.columns.date_cells import DateCells
from healthtrack.imports.columns.notation import DOCUMENTED
from healthtrack.imports.columns.plan import Column
from healthtrack.imports.columns.widgets import IdentifierWidget
from healthtrack.imports.columns.words import get_new_words
from healthtrack.imports.detection.duplicates import get_duplicate_rule
from healthtrack.imports.detection.reading import FileReading
from healthtrack.imports.importer import RunInput
from healthtrack.imports.life_cycle.outcomes import CollisionError
from healthtrack.imports.models import Stage
from healthtrack.imports.progress import Progress
from healthtrack.imports.reading import open_table
from healthtrack.imports.reading.table import LINE, MalformedRow, Table, TableFacts
from healthtrack.imports.reasons import Notice, Reason
from healthtrack.imports.results import ApplyResult, CheckResult, ErrorGroup, StalePreview, TabularResult
from healthtrack.imports.row_errors import FileError, RowError
from healthtrack.imports.row_warnings import WARNING, Choice, Decisions
from healthtrack.imports.tables import staged_errors, writing
from healthtrack.imports.tables.absent_columns import add_marks, adopt_lists, fill_absent, set_absent
from healthtrack.imports.tables.comparing import compare, compare_and_lock
from healthtrack.imports.tables.counting import count_rows
from healthtrack.imports.tables.headers import Layout, find_layout
from healthtrack.imports.tables.hooks import Effects
from healthtrack.imports.tables.resources import BulkModelResource
from healthtrack.imports.tables.sql import plan_for_large_sets
from healthtrack.imports.tables.staging import ROWS_WITHOUT_INDEX, StagedRows, acquire_import_lock

COMPARE_STEPS = 4


@dataclass(frozen=True)
class FileSource:
    """The table of a file, and how it is read."""

    paths: Sequence[Path]
    reading: FileReading

    def open(self) -> AbstractContextManager[Table]:
        """Open the table, to read it once. Raise FileError if there are several files."""
        if len(self.paths) > 1:
            raise FileError(RowError("Choose one file only. Upload the others one after the other."))
        return open_table(self.paths[0], self.reading.structure)


class TableSource(Protocol):
    """Where the rows of an import come from: a file with a table, or files that a table is made of."""

    @property
    def reading(self) -> FileReading: ...

    def open(self) -> AbstractContextManager[Table]:
        """Open the table, to read it once. Raise FileError if there is none."""


def make_source(work: RunInput) -> FileSource:
    """Return the table of the run's only file. What opens it raises FileError if there are several files."""
    return FileSource([file.path for file in work.files], FileReading.of(work.plan))


def check(resource: BulkModelResource, work: RunInput, progress: Progress, source: TableSource) -> CheckResult | None:
    """Read and check a table into the run's staging tables. Return what was found. Call it within a transaction.

    Return None if values contradict the way in which their columns are read, which only the first rows have shown.
    """
    tables = staging_tables.begin(work.run_id)
    with connection.cursor() as cursor:
        plan_for_large_sets(cursor)
        plan = replace(resource.plan, duplicate_rows=get_duplicate_rule(work.plan, resource.duplicate_rows))
        rows = StagedRows(plan, cursor, tables, Decisions(resource.row_warnings(), work.decisions))
        try:
            result = _TableCheck(resource, source, rows, progress, at_once=work.at_once).run()
        except _ContradictedError:
            return None
        # Without pages, the few steps of the import read all rows faster than an index of them is created.
        if work.previewed is not None or (result.read > ROWS_WITHOUT_INDEX and not work.at_once):
            rows.create_indexes()
        return result


def apply(resource: BulkModelResource, work: RunInput, progress: Progress) -> ApplyResult | StalePreview:
    """Write the staged rows into the tables, unless these no longer hold what a person has seen in a preview.

    To be called within a transaction, which must end soon afterwards: it holds the lock of all imports.
    """
    with connection.cursor() as cursor:
        plan_for_large_sets(cursor)
        decisions = Decisions(resource.row_warnings(), work.decisions)
        rows = StagedRows(resource.plan, cursor, staging_tables.find(work.run_id), decisions)
        progress.begin(Stage.TURN)
        acquire_import_lock(cursor)
        progress.begin(Stage.COMPARING_AGAIN)
        stale, result = compare_and_lock(rows, is_compared=work.is_compared)
        if next(resource.find_errors(rows), None):
            raise CollisionError
        effects = resource.count_effects(rows)
        if work.previewed is not None and (stale or _differ(effects, work.previewed)):
            return StalePreview(*_describe(result, writing.preview(resource, rows), stale))
        if stale:
            rows.lock_changed()
        if WARNING in result.listed:
            rows.release_accepted()
        progress.begin(Stage.WRITING, result.counts.new + result.counts.changed)
        effects = {**effects, **writing.write(resource, rows, result.counts, progress)}
    return ApplyResult(*_describe(result, effects))


def decide(resource: BulkModelResource, work: RunInput, choice: Choice) -> StalePreview:
    """Store which of the rows with warnings a person selected. Return the preview with the decisions of `work`."""
    with connection.cursor() as cursor:
        plan_for_large_sets(cursor)
        decisions = Decisions(resource.row_warnings(), work.decisions)
        rows = StagedRows(resource.plan, cursor, staging_tables.find(work.run_id), decisions)
        rows.accept(choice)
        shown = TabularResult.of(work.previewed or {})
        effects = {**shown.effects, **resource.count_effects(rows)}
        return StalePreview(*_describe(count_rows(rows), effects, shown.stale))


def _differ(effects: Effects, previewed: Mapping[str, Any]) -> bool:
    """Return whether the preview showed other effects of the same rows, because other tables have changed since."""
    shown = TabularResult.of(previewed).effects
    return any(shown.get(name) != count for name, count in effects.items())


def _describe(counted: TabularResult, effects: Effects, stale: int | None = None) -> tuple[int, dict[str, Any]]:
    """Return how many rows are written, and the details that replace those of the check."""
    details = replace(counted, effects=effects, stale=stale).details()
    from_check = {"merged", "combined", "notices", "groups"}
    return counted.affected, {name: value for name, value in details.items() if name not in from_check}


class _ContradictedError(Exception):
    """A column has values that only another notation reads."""


class _TableCheck:
    """The check of one table: what it needs, and what it has found so far."""

    def __init__(
        self,
        resource: BulkModelResource,
        source: TableSource,
        rows: StagedRows,
        progress: Progress,
        *,
        at_once: bool,
    ) -> None:
        self.at_once = at_once
        self.resource = resource
        self.source = source
        self.reading = source.reading
        self.rows = rows
        self.progress = progress
        self.rows_read = 0
        self.combined = 0
        self._layout = Layout()
        self._facts: TableFacts | None = None
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
        # An import that follows at once compares the rows itself, when nobody else can import any more.
        compared = TabularResult() if self.at_once and not errors else self._compare()
        result = replace(compared, notices=self.notices, groups=groups)
        if errors and isinstance(self.source, FileSource):
            staged_errors.store_invalid_rows(cursor, staged, self.source.open, self._layout.prepare)
        valid = self.rows_read - invalid
        result = replace(result, merged=valid - self.rows.count(), combined=self.combined)
        refused = Reason.NONE if valid else Reason.NO_VALID_ROW
        return CheckResult(self.rows_read, invalid, errors, result.affected, refused, result.details())

    def _read(self) -> bool:
        """Stage the file's valid rows and its errors. Return whether it is a table of these columns."""
        with staged_errors.open_error_spool() as spool:
            try:
                # A damaged file may be noticed only after many rows, during the COPY. The savepoint then undoes it.
                with self.source.open() as table, transaction.atomic():
                    self._stage(table, spool)
                self.progress.begin(Stage.COMPARING, COMPARE_STEPS)
                self.combined = self.rows.combine_duplicates(spool.add)
                if self._facts:
                    self._complete(self._facts)
                self._leave_out_errors(spool)
            except FileError as error:
                self.rows_read = 0
                spool.add(error.errors)
            spool.store(self.rows.cursor, self.rows.tables)
        return self.rows_read > 0

    def _leave_out_errors(self, spool: staged_errors.ErrorSpool) -> None:
        lines = []
        for error in self.resource.find_errors(self.rows):
            spool.add([error])
            lines.append(error.line)
        self.rows.delete(lines)

    def _stage(self, table: Table, spool: staged_errors.ErrorSpool) -> None:
        columns = self.resource.plan.columns
        layout = self._layout = find_layout(table, columns, self.reading.fields)
        if layout.errors:
            raise FileError(*layout.errors)
        self.notices = layout.notices
        layout.prepare(table)
        self._add_facts(table.facts, spool)
        checks = [self._make_check(column) for column in columns]
        for column in columns:
            column.widget.prepare()
        if not table.facts:  # what makes a table of other files has shown the progress of reading them
            self.progress.begin(Stage.READING, table.rows_expected)
        with self.rows.open_copy() as copy_rows:
            for batch in table.batches:
                named = batch.select(LINE, *layout.positions).rename(layout.positions)
                checked = check_batch(named, columns, self.resource.row_rules(), checks)
                if checked.contradicted and not self.reading.is_final:
                    raise _ContradictedError
                copy_rows(checked.rows)
                spool.add(checked.errors)
                self._count(len(batch), table.take_malformed_rows(), spool)
        self._count(0, table.take_malformed_rows(), spool)
        if not self.rows_read:
            reason = "The file has a header but no rows. Add rows below it."
            raise FileError(RowError(reason, table.header_line))

    def _count(self, rows: int, malformed: Sequence[MalformedRow], spool: staged_errors.ErrorSpool) -> None:
        spool.add(row.error for row in malformed)
        self.rows_read += rows + len(malformed)
        self.progress.advance(rows + len(malformed))

    def _add_facts(self, facts: TableFacts | None, spool: staged_errors.ErrorSpool) -> None:
        if facts:
            self._facts = facts
            self.notices = [*facts.notices]
            spool.describe_line = facts.describe_line
            spool.add(facts.errors)
            set_absent(self.rows, facts.absent)

    def _complete(self, facts: TableFacts) -> None:
        """Complete the rows by what is stored."""
        add_marks(self.rows, facts.marks)
        adopt_lists(self.rows, facts.lists)
        fill_absent(self.rows)

    def _make_check(self, column: Column) -> ColumnCheck:
        name, reading = column.name, self.reading
        words = reading.words.get(name, {})
        notation, is_marked = reading.notations.get(name, DOCUMENTED), name in reading.marked_fields
        check = ColumnCheck(column, notation, self._layout.headers[name], words, has_marks=is_marked)
        check = replace(check, has_exchanged_cells=reading.date_cells.get(name) == DateCells.EXCHANGED)
        if reading.is_final:
            return check
        return replace(
            check,
            new_words=get_new_words(column) - words.keys(),
            proved_forms=reading.proved_forms.get(name),
            watches_marks=column.is_key and isinstance(column.widget, IdentifierWidget) and not is_marked,
        )

    def _compare(self) -> TabularResult:
        """Compare the rows with the stored ones. Return the counts, and the effects to be expected."""
        rows = self.rows
        compare(rows)
        self.progress.advance(1)
        result = count_rows(rows)
        self.progress.advance(1)
        effects = writing.preview(self.resource, rows)
        self.progress.advance(1)
        rows.analyze_outcomes()
        return replace(result, effects=effects)
