"""The method and the view of a request."""

from django.http import HttpRequest

SAFE_METHODS = ("GET", "HEAD")  # of those that `core.middleware` lets pass


def get_view_name(request: HttpRequest) -> str:
    """Return the name of the request's view, such as reports:brands; empty if its address has none, or none yet."""
    return request.resolver_match.view_name if request.resolver_match else ""
