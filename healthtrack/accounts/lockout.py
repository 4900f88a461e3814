"""Who guesses passwords is locked out for a while, and nobody else is.

django-axes locks an account for one address; what many addresses try on one account, or one address on many accounts,
`limits` counts besides. What is typed for a name may be a password: nothing keeps more of it than a digest.
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

KNOWN_BROWSER = "healthtrack.signin.browser"
KNOWN_FOR = timedelta(days=90)
NETWORK_OF_ONE = 64  # bits of an address of IPv6; who has one has all with the same beginning


def address(request: HttpRequest) -> str:
    """That of the client, or the first of its network where one client commonly has a whole network."""
    client = client_address(request)
    if client and isinstance(ip_address(client), IPv6Address):
        return str(ip_network((client, NETWORK_OF_ONE), strict=False).network_address)
    return client


def name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    typed = (credentials or request.POST).get("username") or ""
    return salted_hmac("healthtrack.signin.name", typed, algorithm="sha256").hexdigest()


def refusal(request: HttpRequest) -> HttpResponse | None:
    """What is said to whom no password is taken from at all; others' attempts are not held against a known browser."""
    if _is_known_browser(request):
        return None
    from_here, as_this = limits.FAILED_FROM, limits.FAILED_AS
    if from_here.is_used_up(address(request)):
        return _page(request, "from your address", from_here.seconds_left)
    if as_this.is_used_up(name(request, None)):
        return _page(request, "for this account", as_this.seconds_left)
    return None


def remember_browser(request: HttpRequest, answer: HttpResponse) -> None:
    answer.set_signed_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        name(request, None),
        salt=KNOWN_BROWSER,
        max_age=KNOWN_FOR,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _is_known_browser(request: HttpRequest) -> bool:
    """Whether the same account signed in there before; django-axes counts what is tried on it all the same."""
    cookie = settings.KNOWN_BROWSER_COOKIE_NAME
    known = request.get_signed_cookie(cookie, default="", salt=KNOWN_BROWSER, max_age=KNOWN_FOR)
    return known == name(request, None)


def locked_out(request: HttpRequest, *_: object) -> HttpResponse:
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    return _page(request, "for this account from your address", seconds)


def _page(request: HttpRequest, whose: str, seconds: int) -> HttpResponse:
    _logger.warning("Passwords are refused after too many wrong ones.", extra={"fields": {"of": whose}})
    context = {**admin.site.each_context(request), "whose": whose, "minutes": -(-seconds // 60)}
    answer = render(request, "accounts/locked.html", context, status=429)
    answer["Retry-After"] = str(seconds)
    return answer
