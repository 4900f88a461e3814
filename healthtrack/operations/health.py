"""The health check, for a load balancer or a monitor."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from healthtrack import __version__
from healthtrack.operations.metrics import database_answers


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """Return 200 with the version of HealthTrack when the database answers, and 503 when it does not."""
    if not database_answers():
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")
    return HttpResponse(f"OK\nHealthTrack {__version__}\n", content_type="text/plain")
