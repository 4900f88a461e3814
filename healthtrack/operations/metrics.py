"""Metrics for Prometheus: requests, their duration, the database, the imports, the worker and the version.

Requests are labelled with the name of their view, never with their address, which may name a patient.
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
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from healthtrack import __version__
from healthtrack.core.client_address import client_address, is_in_networks
from healthtrack.core.http import get_view_name
from healthtrack.core.replicas import routing
from healthtrack.imports.life_cycle.heartbeat import is_alive
from healthtrack.imports.models import ImportRun, State

GetResponse = Callable[[HttpRequest], HttpResponseBase]

NO_VIEW = "none"
JOB_STATUSES = [status.value for status in Status]
PROCESS_REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "healthtrack_requests", "Requests answered, by page and status", ["view", "status"], registry=PROCESS_REGISTRY
)
SECONDS = Histogram(
    "healthtrack_request_seconds", "Seconds until a page was answered", ["view"], registry=PROCESS_REGISTRY
)


def request_metrics(get_response: GetResponse) -> GetResponse:
    """Count and time every request (middleware)."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        start = time.perf_counter()
        response = get_response(request)
        view = get_view_name(request) or NO_VIEW
        SECONDS.labels(view).observe(time.perf_counter() - start)
        REQUESTS.labels(view, response.status_code).inc()
        return response

    return middleware


class ProgramInfo(Collector):
    """The version of HealthTrack that runs."""

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("healthtrack", "The version of HealthTrack that runs", value={"version": __version__})


class DatabaseMetrics(Collector):
    """Metrics that are read from the database when Prometheus requests them."""

    def collect(self) -> Iterator[Metric]:
        is_up = database_answers()
        yield GaugeMetricFamily("healthtrack_database_up", "1 when the database answers", value=is_up)
        yield from _replica_metrics()
        with suppress(Error):  # it may not have its tables yet, or go down just now
            yield from _work_metrics() if is_up else ()


def _work_metrics() -> list[Metric]:
    return [
        _count_rows("healthtrack_import_runs", "Imports, by state", "state", ImportRun, State.values),
        _count_rows("healthtrack_jobs", "Jobs, by status", "status", ProcrastinateJob, JOB_STATUSES),
        GaugeMetricFamily("healthtrack_worker_up", "1 when a worker has sent a heartbeat lately", value=is_alive()),
    ]


def _replica_metrics() -> list[Metric]:
    up = GaugeMetricFamily("healthtrack_replica_up", "1 when pages may be read from the replica", labels=["replica"])
    age = GaugeMetricFamily("healthtrack_replica_lag_seconds", "Age of the data of the replica", labels=["replica"])
    for alias, lag in routing.get_lags().items():
        up.add_metric([alias], routing.is_fit(lag))
        if lag.age is not None:
            age.add_metric([alias], lag.age)
    return [up, age]


def _count_rows(name: str, description: str, field: str, model: type[Model], values: Iterable[str]) -> Metric:
    counts = dict(model._default_manager.order_by().values_list(field).annotate(Count("pk")))
    metric = GaugeMetricFamily(name, description, labels=[field])
    for value in values:
        metric.add_metric([value], counts.get(value, 0))
    return metric


def database_answers() -> bool:
    """Return whether the database answers a query."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (Error, CommandError):
        return False
    return True


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics in Prometheus' text format, or 403 to machines that may not read them."""
    if not _may_read(request):
        return HttpResponse(
            "Only this machine may read the metrics; set HEALTHTRACK_METRICS_ADDRESSES to allow others.\n",
            "text/plain",
            403,
        )
    registry = CollectorRegistry()
    registry.register(ProgramInfo())
    registry.register(DatabaseMetrics())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # several processes serve; each writes its metrics there
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped in the library
        return _response(generate_latest(registry))
    return _response(generate_latest(registry) + generate_latest(PROCESS_REGISTRY))


def _may_read(request: HttpRequest) -> bool:
    # Through an unknown proxy, REMOTE_ADDR is the proxy's address, and that may well be this machine's.
    is_proxied = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    if is_proxied and not is_in_networks(request.META.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES):
        return False
    return is_in_networks(client_address(request), settings.METRICS_ADDRESSES)


def _response(text: bytes) -> HttpResponse:
    return HttpResponse(text, CONTENT_TYPE_PLAIN_0_0_4)
