"""Addresses with filters that people stored before a filter was renamed."""

from django.http import HttpRequest, HttpResponseRedirect, QueryDict

from healthtrack.core.http import SAFE_METHODS

# The access log has the former names, too.
FORMER_NAMES = {"twins": "duplicates"}


def redirect_former_address(request: HttpRequest) -> HttpResponseRedirect | None:
    """Return a redirect to the same address with the present names of its filters; None if it has those."""
    if request.method not in SAFE_METHODS or not any(name in request.GET for name in FORMER_NAMES):
        return None
    parameters = QueryDict(mutable=True)
    for name, values in request.GET.lists():
        parameters.setlist(FORMER_NAMES.get(name, name), values)
    return HttpResponseRedirect(f"{request.path}?{parameters.urlencode()}")
