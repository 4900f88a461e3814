"""Find the client's IP address of a request, as far as it can be trusted."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

Network = IPv4Network | IPv6Network


def client_address(request: HttpRequest) -> str:
    """Return the nearest address that is not a trusted proxy: anything beyond it in X-Forwarded-For can be forged."""
    address: str = request.META.get("REMOTE_ADDR", "")
    for claim in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        if not is_in_networks(address, settings.TRUSTED_PROXIES) or not _is_address(claim.strip()):
            break
        address = claim.strip()
    return address


def is_in_networks(address: str, networks: Sequence[Network]) -> bool:
    """Return whether the text is an IP address in one of the networks."""
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
