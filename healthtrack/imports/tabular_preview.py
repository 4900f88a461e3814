"""What the page of a run of tables shows, as its address says: which of its rows or errors, and which page of them."""

from dataclasses import dataclass
from functools import cached_property

from django.core.paginator import Page, Paginator
from django.http import QueryDict

from healthtrack.imports import preview_queries
from healthtrack.imports.models import ImportRun
from healthtrack.imports.plan import Plan
from healthtrack.imports.results import OUTCOMES, StagedRow, TabularResult
from healthtrack.imports.row_errors import Fault

PAGE_SIZE = 50
FAULTY = "faulty"
_MOST_DIGITS = 9


@dataclass(frozen=True)
class Listing:
    """One of the lists that the page can show, and how many rows or faults it has."""

    name: str
    label: str
    count: int


@dataclass(frozen=True)
class TabularPreview:
    run: ImportRun
    plan: Plan
    query: QueryDict

    @cached_property
    def result(self) -> TabularResult:
        return TabularResult.of(self.run.result)

    @cached_property
    def listings(self) -> list[Listing]:
        faulty = [Listing(FAULTY, "Faults", self.run.error_count)] if self.has_faults else []
        counts = self.result.counts
        staged = [Listing(outcome, outcome.capitalize(), getattr(counts, outcome)) for outcome in OUTCOMES]
        return [*faulty, *staged] if self.run.is_checked else faulty

    @cached_property
    def shown(self) -> Listing | None:
        filled = [listing for listing in self.listings if listing.count]
        asked = [listing for listing in self.listings if listing.name == self.query.get("show")]
        return next(iter([*asked, *filled]), None)

    @cached_property
    def has_faults(self) -> bool:
        return preview_queries.has_faults(self.run)

    @property
    def columns(self) -> list[str]:
        """Those that have faults."""
        return sorted({group.column for group in self.result.groups if group.column})

    @property
    def kinds(self) -> list[str]:
        """Those of the faults."""
        return sorted({group.kind for group in self.result.groups})

    @property
    def column(self) -> str:
        asked = self.query.get("column", "")
        return asked if asked in self.columns else ""

    @property
    def kind(self) -> str:
        asked = self.query.get("kind", "")
        return asked if asked in self.kinds else ""

    @cached_property
    def page(self) -> Page[int]:
        asked = self.query.get("page", "")
        count = self.shown.count if self.shown else 0
        if self.column or self.kind:
            count = preview_queries.count_faults(self.run, self.column, self.kind)
        return Paginator(range(count), PAGE_SIZE).get_page(asked if len(asked) <= _MOST_DIGITS else "")

    @property
    def page_numbers(self) -> list[int | str]:
        return list(self.page.paginator.get_elided_page_range(self.page.number, on_each_side=2, on_ends=1))

    @cached_property
    def rows(self) -> list[StagedRow]:
        if not self.shown or self.shown.name == FAULTY:
            return []
        return preview_queries.row_page(self.run, self.plan, self.shown.name, self.page)

    @cached_property
    def faults(self) -> list[Fault]:
        if not self.shown or self.shown.name != FAULTY:
            return []
        return preview_queries.fault_page(self.run, self.page, self.column, self.kind)

    @property
    def shown_keys(self) -> list[str]:
        """The keys of the rows on the page."""
        (key,) = (place for place, column in enumerate(self.plan.columns) if column.is_key)
        return [str(row.cells[key].value) for row in self.rows]
