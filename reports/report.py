from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import ClassVar, TypeVar

from django.contrib import admin
from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.models import AnonymousUser
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.core import search_terms
from healthtrack.core.date_formats import get_today
from healthtrack.core.downloads.responses import FORMATS, Sheet
from healthtrack.core.permissions import Person
from healthtrack.roles.table import Right
from patients.filters.addresses import redirect_former_address
from patients.filters.records import ActiveFilter, RecordFilter
from patients.models import MedicalRecord
from reports.caching import cached, read_state
from reports.charts.declaration import Chart
from reports.charts.files import draw_png, draw_svg
from reports.drill_down import DrillDown
from reports.file_names import build_file_name
from reports.filter_form import FilterForm, get_hidden_parameters
from reports.parameters import find_error, parse_format, parse_page
from reports.tables import Column, Row, build_heads, get_values, parse_sort, sort_rows

PAGE_SIZE = 50
CHART_FORMATS = ("svg", "png")

Answer = TypeVar("Answer")


class StaffPage(UserPassesTestMixin, View):
    http_method_names = ["get", "head"]

    def page(self, template: str, context: dict[str, object], status: int = 200) -> HttpResponse:
        frame = admin.site.each_context(self.request)
        return render(self.request, f"reports/{template}.html", {**frame, **context}, status=status)


@method_decorator(cache_control(no_store=True), name="dispatch")
class Report(StaffPage):
    """A report: a question about the patients, answered by a chart, a table and files.

    The attributes of the class define its address, its permission, its entries in the navigation, in the list of
    reports and in the table of roles, and its name in the access log. See `reports.registry`.
    """

    name: ClassVar[str]  # in addresses, files, the permission, and the template's name
    title: ClassVar[str]
    label: ClassVar[str]  # in the navigation
    question: ClassVar[str]
    order: ClassVar[int]  # among the reports
    right: ClassVar[Right]  # roles with this right may open the report
    columns: Sequence[Column]
    published_order: ClassVar[str]
    is_stacked: ClassVar[bool] = False  # whether a row of the table is a block on phones
    extra_parameters: ClassVar[tuple[str, ...]] = ()  # parameters of the address besides the filters
    do_not_call_in_templates = True

    @classmethod
    def codename(cls) -> str:
        """Return the codename of the permission to open the report."""
        return f"view_{cls.name.replace('-', '_')}"

    @classmethod
    def is_open_to(cls, person: Person) -> bool:
        """Return whether the person may open the report."""
        return person.is_staff and person.has_perm(f"reports.{cls.codename()}")

    def test_func(self) -> bool:
        return self.is_open_to(self.request.user)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if redirection := redirect_former_address(request):
            return redirection
        if self.errors:
            return self.page(self.name, {**self.heading(), **self.filters()}, status=400)
        if self.file_format in CHART_FORMATS:
            return self.chart_file()
        if self.file_format:
            return FORMATS[self.file_format](self.sheet())
        context = {**self.heading(), **self.filters(), **self.table(), **self.context(), "chart": self.get_chart()}
        return self.page(self.name, context)

    @cached_property
    def errors(self) -> dict[str, str]:
        """A sentence for each invalid parameter of the address."""
        found = self.record_filter.errors_by_parameter
        for read in self.get_readers():
            found |= find_error(read)
        # The columns may depend on the other parameters.
        return found or find_error(lambda: self.sort)

    def get_readers(self) -> Sequence[Callable[[], object]]:
        """Return what reads the parameters besides the filters; each raises ParameterError if its one is invalid."""
        return [lambda: self.file_format]

    @cached_property
    def file_format(self) -> str:
        return parse_format(self.request.GET.get("format", ""), [*FORMATS, *CHART_FORMATS])

    @cached_property
    def record_filter(self) -> RecordFilter:
        return RecordFilter(self.request.GET, MedicalRecord.objects.all())

    @cached_property
    def as_of(self) -> date:
        return self.record_filter.as_of_day

    @cached_property
    def links(self) -> DrillDown:
        return DrillDown(self.request, self.record_filter.active_values)

    @cached_property
    def sort(self) -> str:
        return parse_sort(self.request.GET.get("sort", ""), self.columns, self.published_order)

    def cached(self, key: str, count: Callable[[], Answer], *parameters: object) -> Answer:
        """Return the cached result of `count` for the current filters and day.

        Each count of a report needs its own key. `parameters` are everything else that the result depends on.
        """
        arguments = (sorted(self.record_filter.active_values.items()), self.as_of, parameters)
        return cached(f"{self.name} {key}", arguments, count, self._state)

    @cached_property
    def _state(self) -> str | None:
        return read_state()

    def context(self) -> Mapping[str, object]:
        """Return what the template needs besides the table."""
        raise NotImplementedError

    def rows(self) -> Iterable[Row]:
        """Return the rows in the order of the published report."""
        raise NotImplementedError

    def totals(self) -> Sequence[Row]:
        return ()

    def ordered_rows(self) -> Iterable[Row]:
        return self.rows() if self.sort == self.published_order else sort_rows([*self.rows()], self.columns, self.sort)

    @cached_property
    def all_rows(self) -> Sequence[Row]:
        """All rows in the order of the table."""
        return [*self.ordered_rows()]

    def rows_between(self, start: int, stop: int) -> Sequence[Row]:
        return self.all_rows[start:stop]

    def count_rows(self) -> int:
        return len(self.all_rows)

    def heading(self) -> dict[str, object]:
        return {"title": self.title, "report": self, "counted_at": timezone.now()}

    def filters(self) -> dict[str, object]:
        return {
            "record_filter": self.record_filter,
            "active_filters": self.active_filters(),
            "errors": self.errors,
            "page_errors": [sentence for name, sentence in self.errors.items() if name in {"sort", "format"}],
            # Drawing the fields takes as long as drawing the chart.
            "fields": self.filter_fields() if self.errors else self.cached("fields", self.filter_fields),
            "others": get_hidden_parameters(self.record_filter, self.extra_parameters),
            "as_of": self.as_of,
        }

    def filter_fields(self) -> str:
        return FilterForm(self.record_filter).as_html()

    def active_filters(self) -> Iterator[tuple[ActiveFilter, str]]:
        """Yield each filter that is set, with the address of the report without it."""
        for active in self.record_filter.active_filters:
            query = self.request.GET.copy()
            query.setlist(active.parameter, list(active.others))
            query.pop("page", None)
            yield active, f"?{query.urlencode()}"

    def table(self) -> dict[str, object]:
        pages = Paginator(range(self.count_rows()), PAGE_SIZE)
        number, other_page = parse_page(self.request.GET.get("page", ""), pages.num_pages)
        start = (number - 1) * PAGE_SIZE
        return {
            "heads": [*build_heads(self.columns, self.sort)],
            "rows": self.rows_between(start, start + PAGE_SIZE),
            "totals": self.totals(),
            "page": pages.page(number),
            "other_page": other_page,
            "formats": FORMATS,
        }

    def sheet(self) -> Sheet:
        return Sheet(
            self.file_name,
            [column.label for column in self.columns],
            map(get_values, self.ordered_rows()),
            heading=[[self.title], *self.facts, []],
            totals=[*map(get_values, self.totals())],
        )

    def get_chart(self) -> Chart:
        """Return the report's chart."""
        raise NotImplementedError

    def chart_file(self) -> HttpResponse:
        self.links.is_open = False  # a file leads nowhere
        facts = dict(self.facts)
        lines = [
            f"Filters: {facts['Filters']}",
            f"Age on {facts['Age on']}. Created {facts['Created']} by {facts['By']}",
        ]
        svg = draw_svg(self.get_chart(), lines)
        content, content_type = (
            (draw_png(svg), "image/png") if self.file_format == "png" else (svg.encode(), "image/svg+xml")
        )
        disposition = f'attachment; filename="{self.file_name}.{self.file_format}"'
        return HttpResponse(content, content_type=content_type, headers={"Content-Disposition": disposition})

    @property
    def file_name(self) -> str:
        """The name of the report's files without an ending. Searches are not in it: they may be a patient's name."""
        names = [name for name in self.extra_parameters if name != search_terms.QUERY]
        others = [(name, self.request.GET[name]) for name in names if self.request.GET.get(name)]
        filters = [(name, value) for name, values in self.record_filter.active_values.items() for value in values]
        return build_file_name(self.name, [*filters, *others], get_today())

    @property
    def facts(self) -> Sequence[tuple[str, str]]:
        """What files and prints say about themselves: filters, the day of the ages, when and by whom they were made."""
        filters = [f"{active.label}: {active.value}" for active in self.record_filter.active_filters]
        if search_terms.get_query(self.request):
            filters.append("search terms")
        now = timezone.localtime()
        return [
            ("Filters", "; ".join(filters) or "none"),
            ("Age on", self.as_of.isoformat()),
            ("Created", f"{now:%Y-%m-%d %H:%M %Z}"),
            ("By", get_full_name(self.request.user)),
        ]


def get_full_name(person: Person) -> str:
    """Return the name of a person, or their user name if they have none."""
    full_name = "" if isinstance(person, AnonymousUser) else person.get_full_name()
    return full_name or person.get_username()
