from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from healthtrack.operations.metrics import database_answers


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    if not database_answers():
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")
    return HttpResponse("OK\n", content_type="text/plain")
