"""Lock-out after failed sign-ins: whoever guesses passwords has to wait, and nobody else does.

django-axes locks an account for one address. In addition, `limits` counts what many addresses try on one account, and
what one address tries on many accounts. People sometimes type a password into the name field, so only a digest of the
name is stored.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac

from healthtrack.accounts import limits
from healthtrack.core.client_address import client_address

_logger = logging.getLogger(__name__)

KNOWN_BROWSER_SALT = "healthtrack.signin.browser"
KNOWN_BROWSER_LIFETIME = timedelta(days=90)
IPV6_PREFIX_LENGTH = 64  # one client usually has all IPv6 addresses with the same first 64 bits


def get_client_network(request: HttpRequest) -> str:
    """Return the client's IPv4 address, or the first address of its IPv6 network."""
    client = client_address(request)
    if client and isinstance(ip_address(client), IPv6Address):
        return str(ip_network((client, IPV6_PREFIX_LENGTH), strict=False).network_address)
    return client


def get_name_digest(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return a digest of the user name that was typed, as 64 hexadecimal digits."""
    typed = (credentials or request.POST).get("username") or ""
    return salted_hmac("healthtrack.signin.name", typed, algorithm="sha256").hexdigest()


def get_refusal(request: HttpRequest) -> HttpResponse | None:
    """Return the lock-out page if this attempt is over a limit, and None if the password may be checked.

    The attempts of others do not lock out a browser in which the same account signed in before.
    """
    if _is_known_browser(request):
        return None
    if limits.FAILURES_FROM_ADDRESS.is_used_up(get_client_network(request)):
        return _render_lockout(request, "from your address", limits.FAILURES_FROM_ADDRESS.seconds_left)
    if limits.FAILURES_FOR_NAME.is_used_up(get_name_digest(request, None)):
        return _render_lockout(request, "for this account", limits.FAILURES_FOR_NAME.seconds_left)
    return None


def remember_browser(request: HttpRequest, response: HttpResponse) -> None:
    """Set a signed cookie that says which account signed in with this browser."""
    response.set_signed_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        get_name_digest(request, None),
        salt=KNOWN_BROWSER_SALT,
        max_age=KNOWN_BROWSER_LIFETIME,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _is_known_browser(request: HttpRequest) -> bool:
    """Return whether the same account signed in with this browser before; django-axes counts its attempts anyway."""
    cookie = settings.KNOWN_BROWSER_COOKIE_NAME
    known = request.get_signed_cookie(cookie, default="", salt=KNOWN_BROWSER_SALT, max_age=KNOWN_BROWSER_LIFETIME)
    return known == get_name_digest(request, None)


def get_axes_refusal(request: HttpRequest, *_: object) -> HttpResponse:
    """Return the lock-out page for an account that django-axes locked for this address."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    return _render_lockout(request, "for this account from your address", seconds)


def _render_lockout(request: HttpRequest, whose: str, seconds: int) -> HttpResponse:
    _logger.warning("Sign-in locked out after too many failed attempts.", extra={"facts": {"of": whose}})
    context = {**admin.site.each_context(request), "whose": whose, "minutes": -(-seconds // 60)}
    response = render(request, "accounts/locked.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
