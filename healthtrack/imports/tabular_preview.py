"""The rows or errors that the page of a tabular import shows, as the query of its address says."""

from dataclasses import dataclass
from functools import cached_property

from django.core.paginator import Page, Paginator
from django.http import QueryDict

from healthtrack.imports import preview_queries
from healthtrack.imports.models import ImportRun
from healthtrack.imports.plan import Plan
from healthtrack.imports.results import StagedRow, TabularResult
from healthtrack.imports.row_errors import RowError

PAGE_SIZE = 50
STALE = "stale"
LISTED = ("changed", "new", "unchanged")
# The name that addresses and the access log have always had for the list of errors.
ERRORS = "faulty"
ATTENTION = (STALE, ERRORS, *LISTED)
_MAX_PAGE_DIGITS = 9


@dataclass(frozen=True)
class Listing:
    """One of the lists that the page can show, and how many rows or errors it has."""

    name: str
    label: str
    count: int


@dataclass(frozen=True)
class TabularPreview:
    """What the page of a run shows for a query of its address."""

    run: ImportRun
    plan: Plan
    query: QueryDict

    @cached_property
    def result(self) -> TabularResult:
        return TabularResult.of(self.run.result)

    @cached_property
    def listings(self) -> list[Listing]:
        errors = [Listing(ERRORS, "Errors", self.run.error_count)] if self.has_errors else []
        return [*errors, *self._get_staged_listings()] if self.run.is_checked else errors

    def _get_staged_listings(self) -> list[Listing]:
        stale = [Listing(STALE, "Differences", self.result.stale)] if self.result.stale else []
        counts = self.result.counts
        return [*stale, *(Listing(outcome, outcome.capitalize(), getattr(counts, outcome)) for outcome in LISTED)]

    @cached_property
    def shown(self) -> Listing | None:
        """Return the requested list, or of those that are not empty the one that most needs attention."""
        filled = sorted((each for each in self.listings if each.count), key=lambda each: ATTENTION.index(each.name))
        requested = [listing for listing in self.listings if listing.name == self.query.get("show")]
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
        if self.column or self.kind:
            count = preview_queries.count_errors(self.run, self.column, self.kind)
        return Paginator(range(count), PAGE_SIZE).get_page(number if len(number) <= _MAX_PAGE_DIGITS else "")

    @property
    def page_numbers(self) -> list[int | str]:
        return list(self.page.paginator.get_elided_page_range(self.page.number, on_each_side=2, on_ends=1))

    @cached_property
    def rows(self) -> list[StagedRow]:
        if not self.shown or self.shown.name == ERRORS:
            return []
        is_stale = self.shown.name == STALE
        chosen = preview_queries.STALE_ROWS if is_stale else preview_queries.filter_by_outcome(self.shown.name)
        return preview_queries.fetch_row_page(self.run, self.plan, chosen, self.page)

    @cached_property
    def errors(self) -> list[RowError]:
        if not self.shown or self.shown.name != ERRORS:
            return []
        return preview_queries.fetch_error_page(self.run, self.page, self.column, self.kind)

    @property
    def shows_outcome(self) -> bool:
        """Return whether the list has rows of different outcomes."""
        return self.shown is not None and self.shown.name == STALE

    @property
    def caption(self) -> str:
        """Return the title of the list of rows."""
        if self.shows_outcome:
            return "Rows that no longer match the last preview"
        return f"{self.shown.label} rows" if self.shown else ""

    @property
    def shown_keys(self) -> list[str]:
        """Return the keys of the rows on the page."""
        (key,) = (place for place, column in enumerate(self.plan.columns) if column.is_key)
        return [str(row.cells[key].value) for row in self.rows]
