from ipaddress import ip_network

import pytest
from django.conf import LazySettings
from django.test import RequestFactory

from healthtrack.core.client_address import client_address

PROXY, OUTSIDE = "10.0.0.1", "203.0.113.7"


@pytest.fixture(autouse=True)
def proxies(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/30"), ip_network("::1")]


def address(peer: str, forwarded: str | None = None) -> str:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return client_address(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer))


def test_without_a_proxy_the_client_is_the_peer() -> None:
    assert address(OUTSIDE) == OUTSIDE
    assert address(PROXY) == PROXY


def test_the_header_of_an_untrusted_peer_is_ignored() -> None:
    assert address(OUTSIDE, "127.0.0.1") == OUTSIDE


@pytest.mark.parametrize(
    "forwarded", [OUTSIDE, f"127.0.0.1, {OUTSIDE}", f"127.0.0.1,{OUTSIDE},10.0.0.2", f"{OUTSIDE} , ::1"]
)
def test_behind_trusted_proxies_the_client_is_the_nearest_other_address(forwarded: str) -> None:
    assert address(PROXY, forwarded) == OUTSIDE


@pytest.mark.parametrize("forwarded", ["", "unknown", "<script>", f"{OUTSIDE}, unknown"])
def test_invalid_addresses_are_ignored(forwarded: str) -> None:
    assert address(PROXY, forwarded) == PROXY
