from django.http import HttpRequest, HttpResponseServerError
from django.template import loader


def server_error(request: HttpRequest) -> HttpResponseServerError:
    """Without a look at the session or the database: they may be what is at fault."""
    page = loader.render_to_string("500.html", {"reference": getattr(request, "id", "")})
    return HttpResponseServerError(page)
