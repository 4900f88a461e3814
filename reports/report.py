from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import ClassVar, TypeVar

from django.contrib import admin
from django.contrib.auth.mixins import UserPassesTestMixin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.core.downloads import FORMATS, Sheet
from healthtrack.core.permissions import Person
from healthtrack.roles.table import Right
from patients.filters import ActiveFilter, RecordFilter
from patients.models import MedicalRecord
from reports.caching import cached
from reports.drill_down import DrillDown
from reports.filter_form import FilterForm, asked_without_field
from reports.parameters import ParameterError, format_asked, page_asked
from reports.tables import Column, Row, as_values, heads, in_order, sort_asked

PAGE_SIZE = 50

Answer = TypeVar("Answer")


class StaffPage(UserPassesTestMixin, View):
    http_method_names = ["get", "head"]

    def page(self, template: str, context: dict[str, object], status: int = 200) -> HttpResponse:
        frame = admin.site.each_context(self.request)
        return render(self.request, f"reports/{template}.html", {**frame, **context}, status=status)


@method_decorator(cache_control(no_store=True), name="dispatch")
class Report(StaffPage):
    """A question about the patients, answered as a chart, a table and files.

    What a class declares here gives the report its address, its permission, its entries in the navigation, in the
    list of reports and in the table of roles, and its name in the access log. See `reports.registry`.
    """

    name: ClassVar[str]  # in addresses, files, the permission, and the template's name
    title: ClassVar[str]
    label: ClassVar[str]  # in the navigation
    question: ClassVar[str]
    order: ClassVar[int]  # among the reports
    right: ClassVar[Right]  # every role that has it may open the report
    columns: Sequence[Column]
    published_order: ClassVar[str]
    asks: ClassVar[tuple[str, ...]] = ()  # besides what the filter asks
    do_not_call_in_templates = True

    @classmethod
    def codename(cls) -> str:
        """Return the codename of the permission to open the report."""
        return f"view_{cls.name.replace('-', '_')}"

    @classmethod
    def open_to(cls, person: Person) -> bool:
        return person.is_staff and person.has_perm(f"reports.{cls.codename()}")

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
    def links(self) -> DrillDown:
        return DrillDown(self.request, self.asked)

    @cached_property
    def sort(self) -> str:
        return sort_asked(self.request.GET.get("sort", ""), self.columns, self.published_order)

    def cached(self, key: str, count: Callable[[], Answer], *parameters: object) -> Answer:
        """Return what `count` returns for the filters and the day of the address.

        The key is the same for no two of a report's counts; `parameters` are what else the answer depends on.
        """
        asked = (sorted(self.asked.asked.items()), self.as_of, parameters)
        return cached(f"{self.name} {key}", asked, count)

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
            "fields": self.cached("fields", self.filter_fields),  # to draw them takes as long as to draw the chart
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
        pages = Paginator(range(self.count_rows()), PAGE_SIZE)
        number, other_page = page_asked(self.request.GET.get("page", ""), pages.num_pages)
        start = (number - 1) * PAGE_SIZE
        return {
            "heads": heads(self.columns, self.sort),
            "rows": self.rows_between(start, start + PAGE_SIZE),
            "totals": self.totals(),
            "page": pages.page(number),
            "other_page": other_page,
            "formats": FORMATS,
        }

    def sheet(self) -> Sheet:
        rows = map(as_values, self.ordered_rows())
        return Sheet(f"{self.name}-{self.as_of.isoformat()}", [column.label for column in self.columns], rows)
