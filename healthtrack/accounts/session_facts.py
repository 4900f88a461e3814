"""What every page knows about the signed-in person without a query of its own: it comes with the row of the session.

Apps register an expression for each fact in `AppConfig.ready`.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

if TYPE_CHECKING:
    from django.db.models import Subquery

_makers: dict[str, Callable[[], "Subquery[Any]"]] = {}


def register(name: str, make: Callable[[], "Subquery[Any]"]) -> None:
    """Add a whole number, which the expression that `make` returns reads; `OuterRef("user")` is the person."""
    _makers[name] = make


@cache
def get_expressions() -> dict[str, "Subquery[Any]"]:
    """Return the expressions of all facts, by name. They are made once, because that takes time."""
    return {name: make() for name, make in _makers.items()}


def get_fact(request: HttpRequest, name: str) -> int:
    """Return the fact about the person of the session; 0 if there is none."""
    return getattr(getattr(request.session, "row", None), name, None) or 0


def set_fact(request: HttpRequest, name: str, value: int) -> None:
    """Change what the rest of this request knows; the request has changed it in the database."""
    if row := getattr(request.session, "row", None):
        setattr(row, name, value)
