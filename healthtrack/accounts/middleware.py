"""What every request of a person passes; a new page is covered by itself."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.http import urlencode

from healthtrack.accounts import limits, second_factor
from healthtrack.accounts.models import Session

GetResponse = Callable[[HttpRequest], HttpResponseBase]

FOR_ANYBODY = {"admin:login", "healthz", "metrics", "policy-report"}
WHILE_OWING = FOR_ANYBODY | {
    *("admin:logout", "admin:password_change", "admin:password_change_done"),
    *("sign-in:code", "sign-in:enrol", "sign-in:stay", "sign-in:idle"),
}
UNATTENDED = "unattended"  # in the address of what a page asks by itself, as does htmx in a header
SHARE_UNNOTED = 60  # of the time that a person may be idle; so that not every page writes


def session_timeout(get_response: GetResponse) -> GetResponse:
    """Ends the sessions of people who went away, or have been in for too long."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if ended := _why_ended(request):
            logout(request)
            if _page(request) not in {*FOR_ANYBODY, "sign-in:idle"}:
                return to(request, "admin:login", ended=ended)
        elif request.user.is_authenticated and not _is_automatic(request):
            _note(request)
        return get_response(request)

    return middleware


def require_second_factor(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.owes_second_factor = second_factor.is_owed(request)  # type: ignore[attr-defined]
        if request.owes_second_factor and _page(request) not in WHILE_OWING:  # type: ignore[attr-defined]
            return to(request, "sign-in:code" if second_factor.is_enrolled(request.user) else "sign-in:enrol")
        return get_response(request)

    return middleware


def download_rate_limit(get_response: GetResponse) -> GetResponse:
    """Only so many files a minute leave with one person; none is read before it is sent."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_file = response.get("Content-Disposition", "").startswith("attachment")
        limit = limits.files()
        if not is_file or limit.use(f"{request.user.pk}"):
            return response
        context = {**admin.site.each_context(request), "limit": limit}
        refusal = render(request, "accounts/too-many-files.html", context, status=429)
        refusal["Retry-After"] = str(limit.seconds_left)
        return refusal

    return middleware


def to(request: HttpRequest, page: str, **why: str) -> HttpResponse:
    """Leads to a page of the sign-in, and from there back here."""
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Refresh": "true"})  # the whole page is led there then
    here = {"next": request.get_full_path()} if request.method in {"GET", "HEAD"} else {}
    return HttpResponseRedirect(f"{reverse(page)}?{urlencode({**here, **why})}")


def _why_ended(request: HttpRequest) -> str:
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or _page(request) in FOR_ANYBODY - {"admin:login"}:
        return ""
    is_in, row = request.user.is_authenticated, getattr(request.session, "row", None)
    if row is None or not is_in:
        return "" if request.session.session_key else "over"
    now = timezone.now()
    if now - row.began_at > timedelta(seconds=settings.SESSION_COOKIE_AGE):
        return "long"
    return "idle" if now - row.active_at > timedelta(seconds=settings.SESSION_IDLE_SECONDS) else ""


def _is_automatic(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers or UNATTENDED in request.GET


def _note(request: HttpRequest) -> None:
    row, now = getattr(request.session, "row", None), timezone.now()
    if row and now - row.active_at > timedelta(seconds=settings.SESSION_IDLE_SECONDS / SHARE_UNNOTED):
        Session.objects.filter(pk=row.pk).update(active_at=now)


def _page(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""
