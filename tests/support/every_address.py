"""Every address that the URL resolver knows, so that a new one is tested without being listed."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from tests.support.page_addresses import address

METHODS = ("get", "head", "options", "post", "put", "patch", "delete", "trace")
ODD_VALUES = ("x", "0", "9" * 40, "\0", "%00", "_5F", "../../etc/passwd", "P1/extra", "é\u202e<b>")


def names(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix)
        elif pattern.name:
            yield prefix + pattern.name, pattern


ALL = dict(names(get_resolver()))
Test = TypeVar("Test", bound=Callable[..., None])


def each_address(test: Test) -> Test:
    """Run a test with the name of every address."""
    parametrized: Test = pytest.mark.parametrize("name", sorted(ALL))(test)
    return parametrized


def parameters(pattern: URLPattern) -> list[str]:
    return list(getattr(pattern.pattern, "converters", None) or pattern.pattern.regex.groupindex)


def addresses(name: str) -> list[str]:
    """Return the address with the key of an existing row, and addresses with odd keys."""
    found = []
    with suppress(LookupError, NoReverseMatch):
        found.append(address(name))
    converters = parameters(ALL[name])
    for value in ODD_VALUES if converters else ():
        with suppress(NoReverseMatch):
            found.append(reverse(name, kwargs=dict.fromkeys(converters, value)))
    assert found, f"Cannot make an address for {name}."
    return found


def ask(client: Client, method: str, url: str, *form: object) -> HttpResponse:
    response: HttpResponse = getattr(client, method)(url, *form)
    if response.streaming:
        b"".join(response)
    assert response.status_code < 500, f"{method} {url} {form}: {response.status_code}"
    return response


def lets_in(response: HttpResponse) -> bool:
    """Return whether the response shows the page."""
    return response.status_code == 200 and "Allow" not in response


def client_of(person: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if person:
        client.force_login(person)
    return client


def session_of(person: User) -> str:
    """Sign the person in, and return the key of the session."""
    return client_of(person).cookies[settings.SESSION_COOKIE_NAME].value


def client_with(session: str) -> Client:
    """Return a client of the person with this session; of a stranger, if it is empty."""
    client = Client(raise_request_exception=False)
    if session:
        client.cookies[settings.SESSION_COOKIE_NAME] = session
    return client
