"""Lock-out after failed sign-ins: whoever guesses passwords has to wait, and nobody else does.

django-axes locks an account for one address. In addition, `limits` counts what many addresses try on one account, and
what one address tries on many accounts. A browser in which the account signed in before is known: only its own
failures count for it. People sometimes type a password into the name field, so only a digest of the name is stored.
"""

import logging
import secrets
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, TypeVar, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac

from healthtrack.accounts import limits
from healthtrack.core.client_address import client_address

Response = TypeVar("Response", bound=HttpResponse)

_logger = logging.getLogger(__name__)

KNOWN_BROWSER_LIFETIME = timedelta(days=90)
IPV6_PREFIX_LENGTH = 64  # one client usually has all IPv6 addresses with the same first 64 bits
MAX_NAME_LENGTH = 150  # the sign-in form refuses longer names


def get_client_network(request: HttpRequest) -> str:
    """Return the client's IPv4 address, or the first address of its IPv6 network."""
    client = client_address(request)
    if client and isinstance(ip_address(client), IPv6Address):
        return str(ip_network((client, IPV6_PREFIX_LENGTH), strict=False).network_address)
    return client


def get_name_digest(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return a digest of the user name that was typed, as 64 hexadecimal digits."""
    return _digest(_get_name(request, credentials))


def get_attempt_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the name under which django-axes counts attempts: one of its own for each known browser."""
    name = _get_name(request, credentials)
    mark = get_browser_mark(request, name)
    return _digest(f"{name} {mark}" if mark else name)


def get_lockout_parameters(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> list[Any]:
    """Return what django-axes locks: an account for an address, or an account in a known browser at any address."""
    is_known = get_browser_mark(request, _get_name(request, credentials))
    return ["username"] if is_known else [["username", "ip_address"]]


def get_refusal(request: HttpRequest) -> HttpResponse | None:
    """Return the lock-out page if this attempt is over a limit, and None if the password may be checked.

    The attempts of others do not lock out a known browser; django-axes counts its own.
    """
    if get_browser_mark(request, _get_name(request, None)):
        return None
    if limits.FAILURES_FROM_ADDRESS.is_used_up(get_client_network(request)):
        return _render_lockout(request, "from your address", limits.FAILURES_FROM_ADDRESS.seconds_left)
    if limits.FAILURES_FOR_NAME.is_used_up(get_name_digest(request, None)):
        return _render_lockout(request, "for this account", limits.FAILURES_FOR_NAME.seconds_left)
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
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    where = "in this browser" if get_browser_mark(request, _get_name(request, credentials)) else "from your address"
    return _render_lockout(request, f"for this account {where}", seconds)


def _get_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the name that was typed, as the sign-in form cleans it: its spellings count as one name."""
    typed = str((credentials or request.POST).get("username") or "").replace("\0", "")
    return unicodedata.normalize("NFKC", typed.strip()[:MAX_NAME_LENGTH]).strip()


def _digest(name: str) -> str:
    return salted_hmac("healthtrack.signin.name", name, algorithm="sha256").hexdigest()


def _get_salt(user: User) -> str:
    return f"healthtrack.accounts.browser.{user.pk}.{user.password}"


def _render_lockout(request: HttpRequest, whose: str, seconds: int) -> HttpResponse:
    _logger.warning("Sign-in locked out after too many failed attempts.", extra={"facts": {"of": whose}})
    context = {**admin.site.each_context(request), "whose": whose, "minutes": -(-seconds // 60)}
    response = render(request, "accounts/locked.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
