"""Middleware that every request passes."""

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from healthtrack.core import logs
from healthtrack.core.http import SAFE_METHODS
from healthtrack.core.interpreter_stack import reserve_stack

GetResponse = Callable[[HttpRequest], HttpResponseBase]

UNUSED_FEATURES = (
    "camera",
    "display-capture",
    "geolocation",
    "microphone",
    "payment",
    "usb",
)
METHODS = (*SAFE_METHODS, "POST")
HEADERS = {
    "Cache-Control": "no-store, private",  # a page may name a patient, and the browser may be shared
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES),
}


def request_id(get_response: GetResponse) -> GetResponse:
    """Give each request an id, which the log, the error page and the header X-Request-ID show.

    It is the outermost middleware, and so it reserves the stack for what answers the request.
    """

    @reserve_stack
    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.id = secrets.token_hex(8)  # type: ignore[attr-defined]  # our own attribute of requests
        token = logs.request_id.set(request.id)  # type: ignore[attr-defined]  # our own attribute of requests
        try:
            response = get_response(request)
        finally:
            logs.request_id.reset(token)
        response["X-Request-ID"] = request.id  # type: ignore[attr-defined]  # our own attribute of requests
        return response

    return middleware


def security_headers(get_response: GetResponse) -> GetResponse:
    """Add HEADERS to every response that does not set them itself, and name the encoding of texts."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        content_type = response.get("Content-Type", "")
        if (content_type.startswith("text/") or content_type.endswith("+xml")) and "charset" not in content_type:
            response["Content-Type"] = f"{content_type}; charset=utf-8"
        return response

    return middleware


def allowed_methods(get_response: GetResponse) -> GetResponse:
    """Refuse methods that no page uses. Django counts TRACE as safe, and would show the page."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return get_response(request) if request.method in METHODS else HttpResponseNotAllowed(METHODS)

    return middleware
