"""The parameter `by` of the reports about time: by what they divide the patients."""

from collections.abc import Sequence

from healthtrack.core.text import quote
from patients.models import Gender
from reports.parameters import ParameterError

# By the value of the parameter: what the page calls it.
GROUPINGS = {"source": "Source", "brand": "Tracker brand", "condition": "Condition", "gender": "Gender"}
MAY_OVERLAP = ("brand", "condition")  # patients may be in several groups, or in none


def parse_grouping(value: str, default: str) -> str:
    """Return the name of a grouping. Raises ParameterError if there is none of this name."""
    if value and value not in GROUPINGS:
        raise ParameterError("by", f"{quote(value)} is not a valid value for “By”. Use {' or '.join(GROUPINGS)}.")
    return value or default


def get_group_label(grouping: str, group: str) -> str:
    """Return the name of a group for people."""
    return str(Gender(group).label) if grouping == "gender" else group


def get_group_filter(grouping: str, group: str) -> dict[str, str]:
    """Return the filter that finds the patients of a group; empty if there is none for the grouping."""
    return {} if grouping == "source" else {grouping: group}


def get_choices(selected: str) -> Sequence[tuple[str, str, bool]]:
    """Return each grouping with its name and whether it is selected."""
    return [(value, label, value == selected) for value, label in GROUPINGS.items()]
