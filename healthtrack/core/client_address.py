"""Find the client's IP address of a request, as far as it can be trusted."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Network = IPv4Network | IPv6Network
IPV6_PREFIX_LENGTH = 64  # one client usually has all IPv6 addresses with the same first 64 bits


def client_address(request: HttpRequest) -> str:
    """Return the nearest address that is not a trusted proxy: anything beyond it in X-Forwarded-For can be forged."""
    client = _parse(request.META.get("REMOTE_ADDR", ""))
    for claim in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        named = _parse(claim.strip())
        if not named or not client or not _is_in(client, settings.TRUSTED_PROXIES):
            break
        client = named
    return str(client or "")


def client_network(request: HttpRequest) -> str:
    """Return the client's IPv4 address, or the first address of its IPv6 network."""
    client = client_address(request)
    if client and isinstance(ip_address(client), IPv6Address):
        return str(ip_network((client, IPV6_PREFIX_LENGTH), strict=False).network_address)
    return client


def is_in_networks(address: str, networks: Sequence[Network]) -> bool:
    """Return whether the text is an IP address in one of the networks."""
    parsed = _parse(address)
    return parsed is not None and _is_in(parsed, networks)


def _is_in(address: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address in the text, or None.

    An IPv4 address in the form of IPv6, such as ::ffff:10.0.0.5, is returned as IPv4. A scope, as in fe80::1%eth0, is
    removed, because only the machine that wrote it understands it and the database cannot store it.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))
