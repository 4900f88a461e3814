"""Choose for each request whether its page reads from the primary or from a replica."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, Error
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from psycopg.errors import QueryCanceled

from healthtrack.core.replicas import routing

MIN_SHOWN_SECONDS = 2.0  # pages do not mention data that is less old

Chunk = TypeVar("Chunk")

logger = logging.getLogger(__name__)


class ReplicaMiddleware:
    """Let registered pages read from a replica, and remember what a person has written.

    The last of the middleware: what the others read and write belongs to the primary.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.user.is_authenticated and not routing.only_reads(request):
            routing.remember_write(request)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Return the page read from a replica; None if it is to be read from the primary, as usual."""
        if not routing.may_read_replica(request):
            return None
        alias = routing.choose(request)
        if alias == DEFAULT_DB_ALIAS:
            return None
        age = routing.get_lags()[alias].age or 0.0
        request.data_age = age if age > MIN_SHOWN_SECONDS else None  # type: ignore[attr-defined]  # our own attribute
        try:
            with routing.read_from(alias):
                response: Any = view(request, *args, **kwargs)
                response = response.render() if hasattr(response, "render") else response
        except Error as error:
            if isinstance(error.__cause__, QueryCanceled):  # a time limit: the primary would not be quicker
                raise
            # The replica went down, or had to remove rows that the page read. The primary has them all.
            logger.warning("A replica did not finish a page, which is read from the primary instead.")
            routing.get_monitor().mark_failed(alias)
            request.data_age = None  # type: ignore[attr-defined]  # our own attribute
            return None
        if response.streaming:
            response.streaming_content = _read_chunks_from(alias, response.streaming_content)
        return response  # type: ignore[no-any-return]  # views are untyped


def _read_chunks_from(alias: str, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Return the parts of a download, each computed while this database is read."""
    remaining = iter(chunks)
    while True:
        with routing.read_from(alias):
            try:
                chunk = next(remaining)
            except StopIteration:
                return
        yield chunk
