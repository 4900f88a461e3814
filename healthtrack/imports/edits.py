"""Edits: changes by hand that belong together, such as a merge of two records. A run records each of them.

So an edit has a page, its changes name it in the history, and it is undone as a whole like an import.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_titles: dict[str, str] = {}
_permissions: dict[str, str] = {}


@dataclass(frozen=True)
class Edit:
    """What was done, as a registered code and the values for its title. A run stores it as JSON."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> "Edit":
        """Return the edit that the `result` of a run stores."""
        return cls(**result["edit"])

    @property
    def title(self) -> str:
        return _titles.get(self.code, self.code).format_map(self.params)

    @property
    def permission(self) -> str:
        """Return the permission that it takes; empty if no app registers such edits any more."""
        return _permissions.get(self.code, "")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def register_edit(code: str, title: str, permission: str) -> None:
    """Register an edit: its title, which may contain its parameters in braces, and the permission that it takes."""
    _titles[code] = title
    _permissions[code] = permission
