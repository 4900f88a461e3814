"""Figures for a Prometheus: how many requests there were, how long they took, and how the database does.

Requests are told apart by the name of their page, never by their address, which may name a patient.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from django.conf import settings
from django.core.management.base import CommandError
from django.db import Error, connection
from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Status
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from healthtrack.core.client_address import client_address, is_among
from healthtrack.imports.heartbeat import is_alive
from healthtrack.imports.models import ImportRun, State

GetResponse = Callable[[HttpRequest], HttpResponseBase]

NO_PAGE = "none"
JOB_STATUSES = [status.value for status in Status]
OF_THIS_PROCESS = CollectorRegistry()
REQUESTS = Counter(
    "healthtrack_requests", "Requests answered, by page and status", ["view", "status"], registry=OF_THIS_PROCESS
)
SECONDS = Histogram("healthtrack_request_seconds", "How long a page took to answer", ["view"], registry=OF_THIS_PROCESS)


def request_metrics(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        begin = time.perf_counter()
        response = get_response(request)
        view = request.resolver_match.view_name if request.resolver_match else NO_PAGE
        SECONDS.labels(view).observe(time.perf_counter() - begin)
        REQUESTS.labels(view, response.status_code).inc()
        return response

    return middleware


class DatabaseFigures(Collector):
    """What is asked of the database at the moment of the answer."""

    def collect(self) -> Iterator[Metric]:
        is_up = database_answers()
        yield GaugeMetricFamily("healthtrack_database_up", "1 when the database answers", value=is_up)
        with suppress(Error):  # it may not have its tables yet, or go down just now
            yield from _of_the_work() if is_up else ()


def _of_the_work() -> list[Metric]:
    return [
        _counted("healthtrack_import_runs", "Imports, by state", "state", ImportRun, State.values),
        _counted("healthtrack_jobs", "Jobs, by status", "status", ProcrastinateJob, JOB_STATUSES),
        GaugeMetricFamily("healthtrack_worker_up", "1 when a worker gives signs of life", value=is_alive()),
    ]


def _counted(name: str, words: str, by: str, model: type[Model], known: Iterable[str]) -> Metric:
    counts = dict(model._default_manager.order_by().values_list(by).annotate(Count("pk")))
    figures = GaugeMetricFamily(name, words, labels=[by])
    for value in known:
        figures.add_metric([value], counts.get(value, 0))
    return figures


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (Error, CommandError):
        return False
    return True


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    if not _may_ask(request):
        return HttpResponse(
            "Metrics are for this machine; HEALTHTRACK_METRICS_ADDRESSES lets others ask.\n", "text/plain", 403
        )
    registry = CollectorRegistry()
    registry.register(DatabaseFigures())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # several processes serve, and keep their figures there
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return _page(generate_latest(registry))
    return _page(generate_latest(registry) + generate_latest(OF_THIS_PROCESS))


def _may_ask(request: HttpRequest) -> bool:
    # Who comes by a proxy that is not ours would have that proxy's address, which may be this machine's.
    by_proxy = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    if by_proxy and not is_among(request.META.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES):
        return False
    return is_among(client_address(request), settings.METRICS_ADDRESSES)


def _page(figures: bytes) -> HttpResponse:
    return HttpResponse(figures, CONTENT_TYPE_PLAIN_0_0_4)
