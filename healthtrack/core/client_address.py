"""Who asks: the address of a request's client, as far as it can be trusted."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

Network = IPv4Network | IPv6Network


def client_address(request: HttpRequest) -> str:
    """The nearest address that is no proxy of ours: what lies further away is only what somebody says of himself."""
    address: str = request.META.get("REMOTE_ADDR", "")
    for claim in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        if not is_among(address, settings.TRUSTED_PROXIES) or not _is_address(claim.strip()):
            break
        address = claim.strip()
    return address


def is_among(address: str, networks: Sequence[Network]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
