"""Where browsers tell that a page broke the content security policy: a fault of ours, or an attack."""

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

MOST_BYTES = 16 * 1024
MOST_A_MINUTE = 20
DIRECTIVES = {
    *("base-uri", "connect-src", "default-src", "font-src", "form-action", "frame-ancestors", "frame-src", "img-src"),
    *("manifest-src", "media-src", "object-src", "script-src", "script-src-attr", "script-src-elem"),
    *("style-src", "style-src-attr", "style-src-elem", "worker-src"),
}

_logger = logging.getLogger(__name__)


class Allowance:
    """So many a minute, and no more: anybody may send reports."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.lock = Lock()
        self.minute = -1
        self.taken = 0

    def take(self) -> bool:
        minute = int(time.monotonic() // 60)
        with self.lock:
            self.taken = self.taken + 1 if minute == self.minute else 1
            self.minute = minute
            return self.taken <= self.most


_allowance = Allowance(MOST_A_MINUTE)


@csrf_exempt
@require_POST
def policy_report(request: HttpRequest) -> HttpResponse:
    if int(request.META.get("CONTENT_LENGTH") or 0) <= MOST_BYTES and _allowance.take():
        _logger.warning("A page broke the content security policy.", extra={"facts": _facts(request.body)})
    return HttpResponse(status=204)


def _facts(body: bytes) -> dict[str, str]:
    """The page and the rule, by names of ours: all else in a report is what a browser, or anybody, says."""
    try:
        report = json.loads(body)["csp-report"]
        directive = str(report["effective-directive"])
        page = resolve(urlsplit(str(report["document-uri"])).path).view_name
    except (ValueError, KeyError, TypeError, Resolver404, RecursionError):
        return {"page": NO_VIEW}
    return {"page": page, "directive": directive if directive in DIRECTIVES else "unknown"}
