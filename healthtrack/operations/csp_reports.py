"""Log what browsers report when a page breaks the content security policy: by our mistake, or in an attack."""

import json
import logging
import time
from threading import Lock
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from healthtrack.operations.metrics import NO_VIEW

MAX_BYTES = 16 * 1024
REPORTS_PER_MINUTE = 20
DIRECTIVES = {
    *("base-uri", "connect-src", "default-src", "font-src", "form-action", "frame-ancestors", "frame-src", "img-src"),
    *("manifest-src", "media-src", "object-src", "script-src", "script-src-attr", "script-src-elem"),
    *("style-src", "style-src-attr", "style-src-elem", "worker-src"),
}

_logger = logging.getLogger(__name__)


class RateLimit:
    """Allow so many calls per minute: anybody on the network can send reports."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lock = Lock()
        self.minute = -1
        self.count = 0

    def allow(self) -> bool:
        """Count a call, and return whether it is within the limit."""
        minute = int(time.monotonic() // 60)
        with self.lock:
            self.count = self.count + 1 if minute == self.minute else 1
            self.minute = minute
            return self.count <= self.limit


_rate_limit = RateLimit(REPORTS_PER_MINUTE)


@csrf_exempt
@require_POST
def policy_report(request: HttpRequest) -> HttpResponse:
    """Log the report of a browser, unless it is too long or there are too many; always return 204."""
    if int(request.META.get("CONTENT_LENGTH") or 0) <= MAX_BYTES and _rate_limit.allow():
        _logger.warning("A page broke the content security policy.", extra={"fields": _log_fields(request.body)})
    return HttpResponse(status=204)


def _log_fields(body: bytes) -> dict[str, str]:
    """Return the names of the view and the directive, if we know them: anything else in a report may be forged."""
    try:
        report = json.loads(body)["csp-report"]
        directive = str(report["effective-directive"])
        page = resolve(urlsplit(str(report["document-uri"])).path).view_name
    except (ValueError, KeyError, TypeError, Resolver404, RecursionError):
        return {"page": NO_VIEW}
    return {"page": page, "directive": directive if directive in DIRECTIVES else "unknown"}
