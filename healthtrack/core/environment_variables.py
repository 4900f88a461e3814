"""Declare environment variables as fields of a dataclass."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Variable:
    """An environment variable: how its text is parsed, and what docs/settings.md says about it."""

    name: str
    parse: Callable[[str], Any]
    meaning: str
    default_text: str = ""  # describes the default where its value does not
    old_name: str = ""

    def read(self, variables: Mapping[str, str]) -> tuple[str, str]:
        """Return the name that is set and its text; the old name counts only if the new one is not set."""
        for name in filter(None, (self.name, self.old_name)):
            if text := variables.get(name, "").strip():
                return name, text
        return self.name, ""


def declare(variable: Variable, *, default: T) -> T:
    """Declare a field that holds the value of an environment variable."""
    declared: T = field(
        default=default,
        metadata={"variable": replace(variable, default_text=variable.default_text or _describe(default))},
    )
    return declared


def _describe(default: object) -> str:
    if isinstance(default, bool):
        return f"`{default:d}`"
    if isinstance(default, tuple) and default:
        return f"`{','.join(map(str, default))}`"
    return str(default or "none")
