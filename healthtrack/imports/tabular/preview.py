"""The rows or errors that the page of a tabular import shows, as the query of its address says."""

from dataclasses import asdict, dataclass, replace
from functools import cached_property

from django.core.paginator import Page, Paginator
from django.http import QueryDict

from healthtrack.imports.columns.plan import Plan
from healthtrack.imports.detection import names
from healthtrack.imports.detection.choices import DUPLICATE_ROWS
from healthtrack.imports.models import ImportRun
from healthtrack.imports.reading_plans import ReadingPlan
from healthtrack.imports.results import StagedRow, TabularResult
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.row_warnings import WARNING, Decision, Decisions, RowWarning
from healthtrack.imports.tables import duplicate_groups
from healthtrack.imports.tables.duplicate_groups import DuplicateGroup
from healthtrack.imports.tabular import preview_queries
from healthtrack.imports.tabular.preview_queries import RowFilter

PAGE_SIZE = 50
STALE = "stale"
DUPLICATES = "duplicates"
LISTED = ("changed", "new", "unchanged")
ERRORS = "errors"
FORMER_NAMES = {"faulty": ERRORS}  # in addresses that people stored
ATTENTION = (STALE, WARNING, ERRORS, *LISTED, DUPLICATES)
_MAX_PAGE_DIGITS = 9


@dataclass(frozen=True)
class Listing:
    """One of the lists that the page can show, and how many rows or errors it has."""

    name: str
    label: str
    count: int


@dataclass(frozen=True)
class WarningGroup:
    """The rows with a kind of warning: how many there are, what was decided, and how many it holds back."""

    warning: RowWarning
    decision: Decision
    count: int
    held: int


@dataclass(frozen=True)
class TabularPreview:
    """What the page of a run shows for a query of its address."""

    run: ImportRun
    plan: Plan
    query: QueryDict
    decisions: Decisions

    @cached_property
    def result(self) -> TabularResult:
        return TabularResult.of(self.run.result)

    @cached_property
    def listings(self) -> list[Listing]:
        errors = [Listing(ERRORS, "Errors", self.run.error_count)] if self.has_errors else []
        staged = self._get_staged_listings() if self.run.is_checked else []
        duplicates = [Listing(DUPLICATES, "Duplicates", self.result.combined)] if self._has_duplicates else []
        return [*errors, *staged, *duplicates]

    @property
    def duplicate_rule(self) -> str:
        """Return the rule for duplicate rows in words; empty if only equal rows are combined."""
        values = {part.name: part.value for part in ReadingPlan.from_json(self.run.plan).parts}
        return DUPLICATE_ROWS.get(str(values.get(names.DUPLICATE_ROWS)), "")

    @cached_property
    def _has_duplicates(self) -> bool:
        return self.result.combined > 0 and not self.run.is_working and duplicate_groups.has_groups(self.run)

    def _get_staged_listings(self) -> list[Listing]:
        stale = [Listing(STALE, "Differences", self.result.stale)] if self.result.stale else []
        counts = self.result.listed or asdict(self.result.counts)
        warnings = [Listing(WARNING, "Warnings", counts[WARNING])] if counts.get(WARNING) else []
        staged = [Listing(outcome, outcome.capitalize(), counts.get(outcome, 0)) for outcome in LISTED]
        return [*stale, *warnings, *staged]

    @cached_property
    def warning_groups(self) -> list[WarningGroup]:
        """Return the kinds of warnings that rows have, and what was decided about each."""
        counts, held = self.result.warnings, self.result.held
        return [
            WarningGroup(warning, self.decisions.of(warning), counts[warning.kind], held.get(warning.kind, 0))
            for warning in self.decisions.warnings
            if counts.get(warning.kind)
        ]

    @cached_property
    def warning_group(self) -> WarningGroup | None:
        """Return the requested kind of warnings, or the most serious one; None on other lists."""
        if not self.shown or self.shown.name != WARNING:
            return None
        requested = [group for group in self.warning_groups if group.warning.kind == self.query.get("warning")]
        return next(iter([*requested, *self.warning_groups]), None)

    @cached_property
    def shown(self) -> Listing | None:
        """Return the requested list, or of those that are not empty the one that most needs attention."""
        filled = sorted((each for each in self.listings if each.count), key=lambda each: ATTENTION.index(each.name))
        name = self.query.get("show", "")
        requested = [listing for listing in self.listings if listing.name == FORMER_NAMES.get(name, name)]
        return next(iter([*requested, *filled]), None)

    @property
    def is_unreadable(self) -> bool:
        """Return whether the file could not be read as a table, so that its errors concern no rows."""
        return not self.run.read_count

    @cached_property
    def has_errors(self) -> bool:
        return preview_queries.has_errors(self.run)

    @property
    def columns(self) -> list[str]:
        """Return the columns that have errors."""
        return sorted({group.column for group in self.result.groups if group.column})

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of the errors."""
        return sorted({group.kind for group in self.result.groups})

    @property
    def column(self) -> str:
        column = self.query.get("column", "")
        return column if column in self.columns else ""

    @property
    def kind(self) -> str:
        kind = self.query.get("kind", "")
        return kind if kind in self.kinds else ""

    @cached_property
    def page(self) -> Page[int]:
        number = self.query.get("page", "")
        count = self.shown.count if self.shown else 0
        if self.warning_group:
            count = self.warning_group.count
        elif self.column or self.kind:
            count = preview_queries.count_errors(self.run, self.column, self.kind)
        return Paginator(range(count), PAGE_SIZE).get_page(number if len(number) <= _MAX_PAGE_DIGITS else "")

    @property
    def page_numbers(self) -> list[int | str]:
        return list(self.page.paginator.get_elided_page_range(self.page.number, on_each_side=2, on_ends=1))

    @cached_property
    def rows(self) -> list[StagedRow]:
        if not self.shown or self.shown.name in {ERRORS, DUPLICATES}:
            return []
        rows = preview_queries.fetch_row_page(self.run, self.plan, self._get_row_filter(self.shown.name), self.page)
        return [replace(row, other_warnings=self._label_other_warnings(row)) for row in rows]

    def _label_other_warnings(self, row: StagedRow) -> list[str]:
        shown = self.warning_group and self.warning_group.warning
        return [each.label for each in self.decisions.warnings if each.kind in row.warnings and each != shown]

    def _get_row_filter(self, listing: str) -> RowFilter:
        if self.warning_group:
            return preview_queries.filter_by_warning(self.warning_group.warning.kind)
        return preview_queries.STALE_ROWS if listing == STALE else preview_queries.filter_by_outcome(listing)

    @cached_property
    def errors(self) -> list[RowError]:
        if not self.shown or self.shown.name != ERRORS:
            return []
        return preview_queries.fetch_error_page(self.run, self.page, self.column, self.kind)

    @cached_property
    def duplicate_groups(self) -> list[DuplicateGroup]:
        if not self.shown or self.shown.name != DUPLICATES:
            return []
        return duplicate_groups.fetch_groups(self.run, self.plan, self.page)

    @property
    def shows_outcome(self) -> bool:
        """Return whether the list has rows of different outcomes."""
        return self.shown is not None and self.shown.name == STALE

    @property
    def shows_other_warnings(self) -> bool:
        return any(row.other_warnings for row in self.rows)

    @property
    def caption(self) -> str:
        """Return the title of the list of rows."""
        if self.warning_group:
            return self.warning_group.warning.label
        if self.shows_outcome:
            return "Rows that no longer match the last preview"
        return f"{self.shown.label} rows" if self.shown else ""

    def get_shown_values(self, name: str) -> list[str]:
        """Return the values that the rows on the page have in a column."""
        (place,) = (place for place, column in enumerate(self.plan.columns) if column.name == name)
        combined = [str(group.result.cells[place].value) for group in self.duplicate_groups]
        return [str(row.cells[place].value) for row in self.rows] + combined
