"""The pages for server errors and for a database that does not answer."""

import sys

from django.db import InternalError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.template import loader
from psycopg.errors import LockNotAvailable, QueryCanceled, ReadOnlySqlTransaction

STATEMENT_TIMEOUT = (
    "This page took too long to load. Narrow it down, for example with a filter, or try again at a quieter time."
)
LOCK_TIMEOUT = "Other people are changing the same data. Nothing was saved. Try again in a minute."
NO_DATABASE = (
    "The database does not answer. Try again in a minute. If you sent a form, check whether it was saved before you"
    " send it again."
)
GO_BACK = " Wait a minute before you go back: once the database answers, the browser shows the form with your entries."


def server_error(request: HttpRequest) -> HttpResponse:
    """Show the error page without using the session or the database, because they may be the cause of the error."""
    error = sys.exception()
    context = {"request_id": getattr(request, "id", "")}
    if isinstance(error, InternalError) and isinstance(error.__cause__, ReadOnlySqlTransaction):
        connection.close()  # to a server that is no longer the primary; the next request finds the new one
    elif not isinstance(error, OperationalError):
        return HttpResponse(loader.render_to_string("500.html", context), status=500)
    reasons = {QueryCanceled: STATEMENT_TIMEOUT, LockNotAvailable: LOCK_TIMEOUT}
    no_database = NO_DATABASE + GO_BACK * (request.method == "POST")
    context["reason"] = reasons.get(type(error.__cause__), no_database)  # type: ignore[arg-type]  # of no error, too
    return HttpResponse(loader.render_to_string("503.html", context), status=503, headers={"Retry-After": "60"})
