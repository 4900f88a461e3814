"""The sentences of a tabular import: what its check found, and what it or its undo did."""

from collections.abc import Iterator

from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.reasons import Reason
from healthtrack.imports.results import TabularResult
from healthtrack.imports.row_warnings import WARNING


def has_counts(run: ImportRun) -> bool:
    """Return whether the counts of the run say something: what it would change, changes or changed."""
    is_compared = bool(run.result.get("tables"))
    return run.state in {State.APPLIED, State.UNDONE} or (
        is_compared and (run.is_checked or run.reason == Reason.DRY_RUN)
    )


def get_headline(run: ImportRun, result: TabularResult) -> str:
    """Return the sentence that sums the run up; empty if its state says all."""
    counts, invalid = result.counts, run.invalid_count
    if run.is_checked and result.stale is not None:
        return _describe_stale(result.stale)
    if run.is_checked:
        return f"{_describe_check(run, result)}{_describe_warnings(result)}"
    if run.is_applied or run.is_undone:
        verb = "had been" if run.is_undone else _was(counts.new)
        done = f"{_rows(counts.new)} {verb} added and {counts.changed:,} updated."
        skipped = f" {invalid:,} invalid row{'' if invalid == 1 else 's'} {_was(invalid)} skipped."
        held = f" {describe_held(result)}." if counts.held else ""
        return f"{done}{skipped if run.without_invalid else ''}{held}"
    return ""


def describe_held(result: TabularResult) -> str:
    """Return how many rows are held back, without a full stop."""
    held = result.counts.held
    return f"{_rows(held)} with warnings {_was(held)} held back"


def _describe_check(run: ImportRun, result: TabularResult) -> str:
    invalid = run.invalid_count
    if run.error_count:
        return f"{invalid:,} of {_rows(run.read_count)} {_is(invalid)} invalid. Nothing has been changed yet."
    if not result.tables:
        return "No errors found. The command that read the file is importing it."
    if result.changes_nothing:
        return "No errors found. This file would not change anything."
    return "No errors found. Nothing has been changed yet."


def _describe_warnings(result: TabularResult) -> str:
    warned, held = result.listed.get(WARNING, 0), result.counts.held
    if not warned:
        return ""
    if held == warned:
        return f" {_rows(warned)} with warnings {_is(held)} held back."
    return f" {_rows(warned)} {'has' if warned == 1 else 'have'} warnings; {held:,} of them {_is(held)} held back."


def _describe_stale(stale: int) -> str:
    what = f"{_rows(stale)} {'differs' if stale == 1 else 'differ'} now" if stale else "the links differ now"
    return f"The data changed after you saw the preview: {what}. Nothing was imported. Check this new preview first."


def get_undo_headline(undo: ImportRun, conflicts: int) -> str:
    """Return the sentence that says what the undo did, and how many rows it left."""
    exception = f", except for {_rows(conflicts)} that somebody changed afterwards" if conflicts else ""
    return f"{undo.undoes} {'had been' if undo.is_undone else 'was'} undone{exception}."


def get_lines(run: ImportRun, result: TabularResult) -> Iterator[str]:
    """Yield the counts as lines for the command line."""
    for each in result.tables:
        label = f"{each.label[:1].upper()}{each.label[1:]}"
        yield f"{label}: {each.new:,} new, {each.changed:,} changed, {each.unchanged:,} unchanged"
    duplicates = f", {result.merged:,} duplicate{'' if result.merged == 1 else 's'} combined" if result.merged else ""
    yield f"{_rows(run.read_count)} read{duplicates}"


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
