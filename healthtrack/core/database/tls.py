"""Find out whether a connection to the database would reach another machine without checking its certificate."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

# Only this mode of libpq encrypts the connection and checks that the certificate was issued for the host.
VERIFYING_MODE = "verify-full"


def find_unverified_host(database: Mapping[str, Any], variables: Mapping[str, str]) -> str:
    """Return the name of another machine to which Django would connect without checking its certificate, or "".

    `database` has Django's settings. libpq takes what they leave out from environment variables.
    """
    options = database.get("OPTIONS", {})
    if options.get("sslmode") == VERIFYING_MODE:
        return ""
    if service := options.get("service") or variables.get("PGSERVICE"):
        return f"that of the service {service}"
    return next((host for host in _list_hosts(database, options, variables) if not _is_local(host)), "")


def _list_hosts(database: Mapping[str, Any], options: Mapping[str, Any], variables: Mapping[str, str]) -> Iterator[str]:
    hosts = database.get("HOST") or options.get("host") or variables.get("PGHOST", "")
    addresses = options.get("hostaddr") or variables.get("PGHOSTADDR", "")
    for listed in (hosts, addresses):
        yield from filter(None, (host.strip() for host in listed.split(",")))


def _is_local(host: str) -> bool:
    """Return whether a host is this machine: a socket, which begins with a slash or an @, or the loopback."""
    if host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
