"""Preferences, session timeout, second factor, new password, download rate limit.

They apply to every page, including new ones.
"""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.http import urlencode

from healthtrack.accounts import limits
from healthtrack.accounts.event_recorder import record, sign_out
from healthtrack.accounts.models import Session
from healthtrack.accounts.security_resets import must_set_password
from healthtrack.accounts.sign_in import second_factor
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.audit.actor import acting_as
from healthtrack.core.date_formats import written_for
from healthtrack.core.http import SAFE_METHODS

GetResponse = Callable[[HttpRequest], HttpResponseBase]

PUBLIC_PAGES = {"admin:login", "sign-in:link", "healthz", "metrics", "policy-report"}
ALLOWED_WITHOUT_2FA = PUBLIC_PAGES | {
    *("admin:logout", "help", "sign-in:code", "sign-in:enrol", "sign-in:stay", "sign-in:idle"),
}
ALLOWED_WITHOUT_NEW_PASSWORD = PUBLIC_PAGES | {
    *("admin:logout", "help", "admin:password_change", "sign-in:stay", "sign-in:idle"),
}
REFUSALS = {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}
AUTOMATIC_PARAMETER = "unattended"  # marks requests that a page sends by itself; htmx marks its own with a header
ACTIVITY_WRITE_FRACTION = 60  # activity is written once in this fraction of the idle time, and not for every page


def clear_browser_cache(get_response: GetResponse) -> GetResponse:
    """Let the browser forget the pages of a session when it ends, also those that "back" would show."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if cookie and cookie["max-age"] == 0:
            response["Clear-Site-Data"] = '"cache"'
        return response

    return middleware


def record_refused_pages(get_response: GetResponse) -> GetResponse:
    """Record each page that is refused: without a permission, to a form of another site, or over a rate limit."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code in REFUSALS and not getattr(request, "is_refusal_recorded", False):
            person = request.user if request.user.is_authenticated else None
            record(request, Kind.PAGE_REFUSED, person, page=_get_view_name(request))
        return response

    return middleware


def personal_formats(get_response: GetResponse) -> GetResponse:
    """Write dates and times as the person of the session prefers."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        # Asking for the user loads the session, whose row has the preferences.
        row = getattr(request.session, "row", None) if request.user.is_authenticated else None
        with written_for(getattr(row, "time_zone", None) or "", getattr(row, "date_format", None) or ""):
            return get_response(request)

    return middleware


def session_timeout(get_response: GetResponse) -> GetResponse:
    """End sessions that nobody used for a while, and sessions that reached their maximum length."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if ended := _get_end_reason(request):
            with acting_as(request.user.pk, request=request.id):  # type: ignore[attr-defined]  # our own attribute of requests
                sign_out(request, Kind.TIMED_OUT)
            if _get_view_name(request) not in {*PUBLIC_PAGES, "sign-in:idle"}:
                return redirect_to_sign_in(request, "admin:login", ended=ended)
        elif request.user.is_authenticated and not _is_automatic(request):
            _record_activity(request)
        return get_response(request)

    return middleware


def require_second_factor(get_response: GetResponse) -> GetResponse:
    """Redirect people who have given only their password to the page for the code."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.owes_second_factor = second_factor.is_required(request)  # type: ignore[attr-defined]  # our own attribute of requests
        if request.owes_second_factor and _get_view_name(request) not in ALLOWED_WITHOUT_2FA:  # type: ignore[attr-defined]  # our own attribute of requests
            return redirect_to_sign_in(
                request, "sign-in:code" if second_factor.is_enrolled(request.user) else "sign-in:enrol"
            )
        return get_response(request)

    return middleware


def require_new_password(get_response: GetResponse) -> GetResponse:
    """Redirect people whose password or second factor somebody else reset to the page for a new password."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        is_signed_in = request.user.is_authenticated and not request.owes_second_factor  # type: ignore[attr-defined]  # our own attribute of requests
        if is_signed_in and must_set_password(request) and _get_view_name(request) not in ALLOWED_WITHOUT_NEW_PASSWORD:
            return redirect_to_sign_in(request, "admin:password_change")
        return get_response(request)

    return middleware


def download_rate_limit(get_response: GetResponse) -> GetResponse:
    """Limit the files that one person may download in a minute. A refused file is not read: files are streamed."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_file = response.get("Content-Disposition", "").startswith("attachment")
        limit = limits.get_download_limit()
        if not is_file or limit.use(f"{request.user.pk}"):
            return response
        context = {**admin.site.each_context(request), "limit": limit}
        refusal = render(request, "accounts/too-many-files.html", context, status=429)
        refusal["Retry-After"] = str(limit.seconds_left)
        return refusal

    return middleware


def redirect_to_sign_in(request: HttpRequest, page: str, **why: str) -> HttpResponse:
    """Redirect to a page of the sign-in, which leads back here afterwards."""
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Refresh": "true"})  # the page is loaded again, and redirected
    here = {"next": request.get_full_path()} if request.method in SAFE_METHODS else {}
    return HttpResponseRedirect(f"{reverse(page)}?{urlencode({**here, **why})}")


def _get_end_reason(request: HttpRequest) -> str:
    """Return why the session must end: a key of `admin_site.ENDED`, or an empty string if it may continue."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or _get_view_name(request) in PUBLIC_PAGES - {"admin:login"}:
        return ""
    is_in, row = request.user.is_authenticated, getattr(request.session, "row", None)
    if row is None or not is_in:
        return "" if request.session.session_key else "over"
    now = timezone.now()
    if now - row.began_at > timedelta(seconds=settings.SESSION_COOKIE_AGE):
        return "long"
    return "idle" if now - row.active_at > timedelta(seconds=settings.SESSION_IDLE_SECONDS) else ""


def _is_automatic(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers or AUTOMATIC_PARAMETER in request.GET


def _record_activity(request: HttpRequest) -> None:
    row, now = getattr(request.session, "row", None), timezone.now()
    if row and now - row.active_at > timedelta(seconds=settings.SESSION_IDLE_SECONDS / ACTIVITY_WRITE_FRACTION):
        Session.objects.filter(pk=row.pk).update(active_at=now)


def _get_view_name(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""
