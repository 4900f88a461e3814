"""Decide from which database a page reads. Everything that reads for pages goes through this module.

Writes always go to the primary, which Django calls `default`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.http import HttpRequest

from healthtrack.core.database.pooling import get_direct_alias
from healthtrack.core.http import SAFE_METHODS, get_view_name
from healthtrack.core.replicas.lag import Lag, Monitor

WRITTEN = "written"  # a key of the session: the position in the log that has the person's latest write
WRITTEN_BY_WORKER = "written_position"  # the same of what a worker wrote for the person, with the row of the session

_alias: ContextVar[str] = ContextVar("read_alias", default=DEFAULT_DB_ALIAS)
_app_labels: set[str] = set()
_page_sources: list[Callable[[], Iterable[str]]] = []
_reading_posts: set[str] = set()


def register(app_label: str, get_pages: Callable[[], Iterable[str]], *, posts: Iterable[str] = ()) -> None:
    """Let these pages, by the names of their views, read from replicas, and the app's models be read there.

    All other pages and models are read from the primary. `posts` are views that write nothing, although they are
    requested by POST, so that no address contains search terms.
    """
    _app_labels.add(app_label)
    _page_sources.append(get_pages)
    _reading_posts.update(posts)


@cache
def get_pages() -> frozenset[str]:
    """Return the view names of the pages that may read from a replica."""
    return frozenset(page for get_pages in _page_sources for page in get_pages())


def only_reads(request: HttpRequest) -> bool:
    """Return whether the request writes nothing, as far as its method and its view say."""
    return request.method in SAFE_METHODS or get_view_name(request) in _reading_posts


def may_read_replica(request: HttpRequest) -> bool:
    """Return whether the view of the request may read from a replica."""
    view = get_view_name(request)
    return view in _reading_posts or (request.method in SAFE_METHODS and view in get_pages())


def reading() -> BaseDatabaseWrapper:
    """Return the connection from which the current page reads, for SQL of our own."""
    return connections[_alias.get()]


def is_reading_primary() -> bool:
    """Return whether the current page reads from the primary, so that it may also write there."""
    return _alias.get() == DEFAULT_DB_ALIAS


@contextmanager
def read_from(alias: str) -> Iterator[None]:
    """Read from this database during the block."""
    outer = _alias.set(alias)
    try:
        yield
    finally:
        _alias.reset(outer)


def get_stream_alias() -> str:
    """Return the database from which the rows of a download are streamed, which is where the current page reads.

    The cursor of a stream needs a session of its own, so it never goes through a connection pool.
    """
    return get_direct_alias() if is_reading_primary() else _alias.get()


def choose(request: HttpRequest) -> str:
    """Return the alias of the replica with the newest data, or of the primary if no replica is fit.

    A replica is fit if its data is not too old and has the person's latest write.
    """
    if not settings.REPLICAS:
        return DEFAULT_DB_ALIAS
    written = request.session.get(WRITTEN, 0)
    by_worker = getattr(getattr(request.session, "row", None), WRITTEN_BY_WORKER, None) or 0
    needed = max(written, by_worker)
    fit = [(lag.age, alias) for alias, lag in get_lags().items() if is_fit(lag) and lag.position >= needed]
    if not fit:
        return DEFAULT_DB_ALIAS
    if written:
        del request.session[WRITTEN]  # every later position of this replica has the write
    return min(fit)[1]


def is_fit(lag: Lag) -> bool:
    """Return whether pages may read from the replica whose lag this is."""
    return lag.age is not None and lag.is_current and lag.age <= settings.REPLICA_MAX_LAG


def describe_lag(lag: Lag) -> str:
    """Return how old the data of a replica is, and whether pages are read from it."""
    if lag.age is None or not lag.is_current:
        return "does not answer, or is not a replica"
    suffix = "" if is_fit(lag) else ", too much to be read"
    return f"{lag.age:.1f} s behind the primary{suffix}"


def remember_write(request: HttpRequest) -> None:
    """Let the person's next pages read from a replica only when it has everything that is committed now."""
    if settings.REPLICAS:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
            (request.session[WRITTEN],) = cursor.fetchone()


def get_lags() -> dict[str, Lag]:
    """Return what is known of each replica, by alias."""
    if not settings.REPLICAS:
        return {}
    monitor = get_monitor()
    monitor.start()
    return monitor.lags


@cache
def get_monitor() -> Monitor:
    """Return the monitor of this process."""
    return Monitor(settings.REPLICAS)


class ReplicaRouter:
    """Django's database router: reads go where the page reads, writes and migrations to the primary."""

    def db_for_read(self, model: type[Model], **_: object) -> str:
        return _alias.get() if model._meta.app_label in _app_labels else DEFAULT_DB_ALIAS

    def db_for_write(self, model: type[Model], **_: object) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, first: Model, second: Model, **_: object) -> bool:
        return True  # all aliases are the same database

    def allow_migrate(self, db: str, app_label: str, **_: object) -> bool:
        return db == DEFAULT_DB_ALIAS
