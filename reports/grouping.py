"""The parameter `by` of the reports about time: by what they divide the patients."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import ClassVar

from healthtrack.core.text import quote
from patients.models import Gender
from reports.parameters import ParameterError
from reports.queries.additions import Additions, count_additions
from reports.report import Report

# By the value of the parameter: what the page calls it.
GROUPINGS = {"source": "Source", "brand": "Tracker brand", "condition": "Condition", "gender": "Gender"}
SOURCES = {"hand": "By hand", "import": "By import"}
MAY_OVERLAP = ("brand", "condition")  # patients may be in several groups, or in none


class GroupedReport(Report):
    """A report that divides the patients by what the parameter `by` says."""

    default_grouping: ClassVar[str]
    extra_parameters: ClassVar[tuple[str, ...]] = ("by",)

    def get_readers(self) -> Sequence[Callable[[], object]]:
        return [lambda: self.grouping, *super().get_readers()]

    @cached_property
    def grouping(self) -> str:
        """The name of the grouping. Raises ParameterError if the address has another one."""
        value = self.request.GET.get("by", "")
        if value and value not in GROUPINGS:
            raise ParameterError("by", f"{quote(value)} is not a valid value for “By”. Use {' or '.join(GROUPINGS)}.")
        return value or self.default_grouping

    @cached_property
    def added(self) -> Additions:
        """The patients by the day on which they were added, and how that happened."""
        return self.cached("added", lambda: count_additions(self.record_filter.qs, "source"))

    @cached_property
    def added_by_group(self) -> Additions:
        """The patients by the day on which they were added, and by the grouping."""
        grouping = self.grouping
        if grouping == "source":
            return self.added
        return self.cached("groups", lambda: count_additions(self.record_filter.qs, grouping), grouping)

    @property
    def choices(self) -> Sequence[tuple[str, str, bool]]:
        """Each grouping with its name and whether it is selected."""
        selected = self.request.GET.get("by") or self.default_grouping
        return [(value, label, value == selected) for value, label in GROUPINGS.items()]


def get_group_label(grouping: str, group: str) -> str:
    """Return the name of a group for people."""
    if grouping == "source":
        return SOURCES[group]
    return str(Gender(group).label) if grouping == "gender" else group


def get_group_filter(grouping: str, group: str) -> dict[str, str]:
    """Return the filter that finds the patients of a group; empty if there is none for the grouping."""
    return {} if grouping == "source" else {grouping: group}
