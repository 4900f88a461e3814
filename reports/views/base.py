from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import ClassVar, TypeVar

from django.contrib import admin
from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.models import AnonymousUser, User
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.core.downloads import FORMATS, Sheet
from patients.filters import ActiveFilter, RecordFilter
from patients.models import MedicalRecord
from reports.caching import kept
from reports.filter_form import FilterForm, asked_without_field
from reports.parameters import ParameterError, format_asked, page_asked
from reports.record_links import RecordLinks
from reports.tables import Column, Row, as_values, heads, in_order, sort_asked

ROWS_A_PAGE = 50

Answer = TypeVar("Answer")


class StaffPage(UserPassesTestMixin, View):
    http_method_names = ["get", "head"]

    def page(self, template: str, context: dict[str, object], status: int = 200) -> HttpResponse:
        frame = admin.site.each_context(self.request)
        return render(self.request, f"reports/{template}.html", {**frame, **context}, status=status)


@method_decorator(cache_control(no_store=True), name="dispatch")
class Report(StaffPage):
    """A question about the patients, answered as a chart, a table and files."""

    name: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[str]
    columns: Sequence[Column]
    published_order: ClassVar[str]
    asks: ClassVar[tuple[str, ...]] = ()  # besides what the filter asks
    do_not_call_in_templates = True

    @classmethod
    def open_to(cls, user: User | AnonymousUser) -> bool:
        return user.is_staff and user.has_perm(f"reports.view_{cls.name.replace('-', '_')}")

    def test_func(self) -> bool:
        return self.open_to(self.request.user)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        try:
            file_format = format_asked(request.GET.get("format", ""), FORMATS)
            self.refuse_faults()
            if file_format:
                return FORMATS[file_format](self.sheet())
            return self.page(self.name, {**self.heading(), **self.filters(), **self.table(), **self.context()})
        except ParameterError as fault:
            return self.page("fault", {**self.heading(), "fault": fault}, status=400)

    @cached_property
    def asked(self) -> RecordFilter:
        return RecordFilter(self.request.GET, MedicalRecord.objects.all())

    def refuse_faults(self) -> None:
        if self.asked.faults:
            raise ParameterError(" ".join(self.asked.faults))

    @cached_property
    def as_of(self) -> date:
        return self.asked.as_of_day

    @cached_property
    def links(self) -> RecordLinks:
        return RecordLinks(self.request, self.asked)

    @cached_property
    def sort(self) -> str:
        return sort_asked(self.request.GET.get("sort", ""), self.columns, self.published_order)

    def kept(self, count: Callable[[], Answer], *besides: object) -> Answer:
        """What `count` answers for the patients asked for, on the day asked for."""
        asked = (sorted(self.asked.asked.items()), self.as_of, besides)
        return kept(f"{self.name} {count.__name__}", asked, count)

    def context(self) -> Mapping[str, object]:
        """What the page shows besides the table."""
        raise NotImplementedError

    def rows(self) -> Iterable[Row]:
        """In the order in which the report was published."""
        raise NotImplementedError

    def totals(self) -> Sequence[Row]:
        return ()

    def ordered_rows(self) -> Iterable[Row]:
        return self.rows() if self.sort == self.published_order else in_order([*self.rows()], self.columns, self.sort)

    def rows_between(self, start: int, stop: int) -> Sequence[Row]:
        return [*self.ordered_rows()][start:stop]

    def count_rows(self) -> int:
        return len([*self.rows()])

    def heading(self) -> dict[str, object]:
        return {"title": self.title, "report": self, "counted_at": timezone.now()}

    def filters(self) -> dict[str, object]:
        return {
            "asked": self.asked,
            "active_filters": self.active_filters(),
            "fields": self.kept(self.filter_fields),  # to draw them takes as long as to draw the chart
            "others": asked_without_field(self.asked, self.asks),
            "as_of": self.as_of,
        }

    def filter_fields(self) -> str:
        return FilterForm(self.asked).as_html()

    def active_filters(self) -> Iterator[tuple[ActiveFilter, str]]:
        """Each with the address of the same report without it."""
        for active in self.asked.active:
            query = self.request.GET.copy()
            for name in (active.parameter, "page"):
                query.pop(name, None)
            yield active, f"?{query.urlencode()}"

    def table(self) -> dict[str, object]:
        pages = Paginator(range(self.count_rows()), ROWS_A_PAGE)
        number, other_page = page_asked(self.request.GET.get("page", ""), pages.num_pages)
        start = (number - 1) * ROWS_A_PAGE
        return {
            "heads": heads(self.columns, self.sort),
            "rows": self.rows_between(start, start + ROWS_A_PAGE),
            "totals": self.totals(),
            "page": pages.page(number),
            "page_numbers": pages.get_elided_page_range(number),
            "other_page": other_page,
            "formats": FORMATS,
        }

    def sheet(self) -> Sheet:
        rows = map(as_values, self.ordered_rows())
        return Sheet(f"{self.name}-{self.as_of.isoformat()}", [column.label for column in self.columns], rows)
