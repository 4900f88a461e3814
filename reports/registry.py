"""The registry of reports. Each report is a module of `reports.views` that registers a view class."""

from functools import cache
from importlib import import_module
from operator import attrgetter
from pkgutil import iter_modules
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from reports.report import Report

_reports: dict[str, "type[Report]"] = {}
ReportClass = TypeVar("ReportClass", bound="type[Report]")


def register(report: ReportClass) -> ReportClass:
    """Add a report: use it as a decorator of the view class."""
    _reports[report.name] = report
    return report


def reports() -> "list[type[Report]]":
    """Return all reports in their order; the first call imports their modules."""
    _import_views()
    return sorted(_reports.values(), key=attrgetter("order"))


@cache
def _import_views() -> None:
    views = import_module("reports.views")
    for module in iter_modules(views.__path__, f"{views.__name__}."):
        import_module(module.name)
