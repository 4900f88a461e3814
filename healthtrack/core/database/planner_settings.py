"""Settings of PostgreSQL's planner for single statements, whose costs it is known to estimate wrongly."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from healthtrack.core.database.transaction_settings import write_statement


@contextmanager
def planner_settings(database: BaseDatabaseWrapper, **settings: object) -> Iterator[None]:
    """Plan each statement of the block with these settings. After the statement, they have their defaults again.

    They are sent together with the statement, so they cost no round trip. A statement of the block may fetch its rows
    as usual, but not through a server-side cursor, which takes a single statement.
    """
    before = write_statement(settings.items())
    after = "; ".join(f"SET LOCAL {name} TO DEFAULT" for name in settings)

    def execute_with_settings(
        execute: Callable[..., Any], query: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        result = execute(f"{before}; {query}; {after}", params, many, context)
        context["cursor"].nextset()  # the first result is that of `before`
        return result

    with database.execute_wrapper(execute_with_settings):
        yield
