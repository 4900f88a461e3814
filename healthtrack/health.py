from django.core.management.base import CommandError
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (Error, CommandError):
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")
    return HttpResponse("OK\n", content_type="text/plain")
