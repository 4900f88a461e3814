import sys

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from psycopg.errors import LockNotAvailable, QueryCanceled

TOOK_TOO_LONG = (
    "This would have kept the database busy for longer than a page may."
    " Ask for less, such as with a filter, or try again when fewer people work."
)
HELD_UP = "Others are changing the same data. Nothing that you sent was saved. Try again in a minute."
NO_DATABASE = (
    "The database does not answer. Try again in a minute; before you send anything anew, look whether it was saved."
)


def server_error(request: HttpRequest) -> HttpResponse:
    """Without a look at the session or the database: they may be what is at fault."""
    fault = sys.exception()
    context = {"reference": getattr(request, "id", "")}
    if not isinstance(fault, OperationalError):
        return HttpResponse(loader.render_to_string("500.html", context), status=500)
    reasons = {QueryCanceled: TOOK_TOO_LONG, LockNotAvailable: HELD_UP}
    context["reason"] = reasons.get(type(fault.__cause__), NO_DATABASE)  # type: ignore[arg-type]
    return HttpResponse(loader.render_to_string("503.html", context), status=503, headers={"Retry-After": "60"})
