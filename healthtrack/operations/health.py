"""The health check, for a load balancer or a monitor."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from healthtrack import __version__
from healthtrack.core.replicas import routing
from healthtrack.core.replicas.routing import describe_lag
from healthtrack.operations.metrics import database_answers


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200 with the version of HealthTrack when the database answers, and 503 when it does not.

    With `?replica`, the same for the replicas: 200 with the age of the data of each, and 503 if none is fit.
    """
    if "replica" in request.GET:
        return _report_replicas()
    if not database_answers():
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")
    return HttpResponse(f"OK\nHealthTrack {__version__}\n", content_type="text/plain")


def _report_replicas() -> HttpResponse:
    lags = routing.get_lags()
    lines = [f"{alias}: {describe_lag(lag)}" for alias, lag in lags.items()] or ["No replica is configured."]
    status = 200 if any(routing.is_fit(lag) for lag in lags.values()) else 503
    return HttpResponse("\n".join(lines) + "\n", status=status, content_type="text/plain")
