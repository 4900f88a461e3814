"""The reports. Each is one module of `reports.views` that registers its view class, a query module and a template."""

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
    """Add a report; a decorator of its view class."""
    _reports[report.name] = report
    return report


def reports() -> "list[type[Report]]":
    """Return all reports in their order; their modules are imported when this is first called."""
    _import_views()
    return sorted(_reports.values(), key=attrgetter("order"))


@cache
def _import_views() -> None:
    views = import_module("reports.views")
    for module in iter_modules(views.__path__, f"{views.__name__}."):
        import_module(module.name)
