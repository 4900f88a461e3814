"""Lock-out after failed sign-ins: whoever guesses passwords has to wait, and nobody else does.

django-axes locks an account for one address. In addition, `limits` counts what many addresses try on one account, and
what one address tries on many accounts. A browser in which the account signed in before is known: only its own
failures count for it.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from healthtrack.accounts import limits
from healthtrack.accounts.event_recorder import record
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.accounts.typed_names import digest, get_typed_name
from healthtrack.core.client_address import client_network

Response = TypeVar("Response", bound=HttpResponse)

KNOWN_BROWSER_LIFETIME = timedelta(days=90)


def get_attempt_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the name under which django-axes counts attempts: one of its own for each known browser."""
    name = get_typed_name(request, credentials)
    mark = get_browser_mark(request, name)
    return digest(f"{name} {mark}" if mark else name)


def get_lockout_parameters(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> list[Any]:
    """Return what django-axes locks: an account for an address, or an account in a known browser at any address."""
    is_known = get_browser_mark(request, get_typed_name(request, credentials))
    return ["username"] if is_known else [["username", "ip_address"]]


def get_refusal(request: HttpRequest) -> HttpResponse | None:
    """Return the lock-out page if this attempt is over a limit, and None if the password may be checked.

    The attempts of others do not lock out a known browser; django-axes counts its own.
    """
    name = get_typed_name(request, None)
    if get_browser_mark(request, name):
        return None
    if limits.FAILURES_FROM_ADDRESS.is_used_up(client_network(request)):
        return _lock_out(request, name, "from your address", limits.FAILURES_FROM_ADDRESS.seconds_left)
    if limits.FAILURES_FOR_NAME.is_used_up(digest(name)):
        return _lock_out(request, name, "for this account", limits.FAILURES_FOR_NAME.seconds_left)
    return None


def get_browser_mark(request: HttpRequest, name: str) -> str:
    """Return the mark of this browser if the account with this name is known in it, otherwise an empty string."""
    cookie = settings.KNOWN_BROWSER_COOKIE_NAME
    if cookie not in request.COOKIES:
        return ""
    marks: dict[str, str] = request.__dict__.setdefault("known_browser_marks", {})  # django-axes asks several times
    if name not in marks:
        marks[name] = ""
        if user := User.objects.filter(username=name).first():
            salt = _get_salt(user)
            mark = request.get_signed_cookie(cookie, default="", salt=salt, max_age=KNOWN_BROWSER_LIFETIME)
            marks[name] = mark or ""
    return marks[name]


def remember_browser(request: HttpRequest, response: Response) -> Response:
    """Mark this browser as one in which the person has completed a sign-in; return the response with the cookie.

    The signature covers the account and its password hash, so a mark ends when the password changes.
    """
    response.set_signed_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        secrets.token_hex(16),
        salt=_get_salt(cast("User", request.user)),
        max_age=KNOWN_BROWSER_LIFETIME,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
    return response


def get_axes_refusal(request: HttpRequest, _: object, credentials: Mapping[str, Any] | None) -> HttpResponse:
    """Return the lock-out page for an account that django-axes locked for this address, or in this known browser."""
    name = get_typed_name(request, credentials)
    where = "in this browser" if get_browser_mark(request, name) else "from your address"
    return _lock_out(request, name, f"for this account {where}", int(settings.AXES_COOLOFF_TIME.total_seconds()))


def _get_salt(user: User) -> str:
    return f"healthtrack.accounts.browser.{user.pk}.{user.password}"


def _lock_out(request: HttpRequest, name: str, whose: str, seconds: int) -> HttpResponse:
    """Record that this attempt was refused, and return the page that says so."""
    record(request, Kind.LOCKED_OUT, typed_name=name)
    context = {**admin.site.each_context(request), "whose": whose, "minutes": -(-seconds // 60)}
    response = render(request, "accounts/locked.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
