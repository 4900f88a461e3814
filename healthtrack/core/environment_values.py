"""Parse the text of environment variables; each function raises InvalidValueError, which says what to write instead."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from healthtrack.core.date_formats import DATE_FORMATS

Network = IPv4Network | IPv6Network

POSTGRESQL_ENGINE = "django.db.backends.postgresql"
_DATABASE_PARTS = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
MAX_PORT = 65535
MAIL_PORTS = {"smtp": 587, "smtps": 465}
THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
OBJECT_ENCRYPTIONS = ("AES256", "aws:kms")
MAPPED_IPV4 = IPv6Network("::ffff:0:0/96")  # IPv4 addresses in the form of IPv6


@dataclass(frozen=True, repr=False)  # it has a password
class MailServer:
    """A mail server, and how the connection to it is encrypted: tls, starttls, or none on this machine."""

    host: str
    port: int
    user: str
    password: str
    encryption: str


class InvalidValueError(Exception):
    """Says what is wrong with a value and how to correct it, in a sentence that continues after the variable's name."""


def parse_flag(text: str) -> bool:
    """Return False for 0, no, false and off, and True for 1, yes, true and on."""
    value = text.lower()
    if value in {"0", "no", "false", "off"}:
        return False
    if value in {"1", "yes", "true", "on"}:
        return True
    raise InvalidValueError(f"is {value!r}; set it to 1 or 0.")


def parse_whole_number(text: str) -> int:
    """Return a number of at least 1 and at most 12 digits."""
    if not re.fullmatch("0*[1-9][0-9]{0,11}", text):
        raise InvalidValueError(f"is {text!r}; set it to a whole number of at least 1, such as 200.")
    return int(text)


def parse_port(text: str) -> int:
    """Return the number of a port."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= MAX_PORT):
        raise InvalidValueError(f"is {text!r}; set it to a number from 1 to {MAX_PORT}.")
    return int(text)


def split_names(text: str) -> tuple[str, ...]:
    """Return the parts between commas, without empty ones."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parse_keys(text: str) -> tuple[str, ...]:
    """Return the keys of 256 bits between commas, each as 64 hexadecimal digits; the error does not quote them."""
    keys = split_names(text)
    if not all(re.fullmatch("[0-9a-fA-F]{64}", key) for key in keys):
        raise InvalidValueError(
            "has a key that is not 64 hexadecimal digits; write keys as `openssl rand -hex 32` prints them, separated "
            "by commas."
        )
    return keys


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return the networks and addresses between commas; those of IPv4 in the form of IPv6 as IPv4."""
    try:
        return tuple(_unmap(ip_network(part)) for part in split_names(text))
    except ValueError as error:
        raise InvalidValueError(f"is {text!r} ({error}); write addresses such as 10.0.0.5 or 10.0.0.0/8.") from error


def _unmap(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED_IPV4):
        address = int(network.network_address) - int(MAPPED_IPV4.network_address)
        return IPv4Network((address, network.prefixlen - MAPPED_IPV4.prefixlen))
    return network


def parse_header(text: str) -> str:
    """Return the key of an HTTP header in `request.META`."""
    if not re.fullmatch(r"[A-Za-z0-9-]+", text):
        raise InvalidValueError(f"is {text!r}; set it to a header's name, such as X-Forwarded-Proto.")
    return f"HTTP_{text.upper().replace('-', '_')}"


def parse_time_zone(text: str) -> str:
    """Return the name of a time zone that exists on this machine."""
    try:
        ZoneInfo(text)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise InvalidValueError(f"is {text!r}; set it to a time zone such as Asia/Kolkata.") from error
    return text


def parse_date_format(text: str) -> str:
    """Return the name of a format in which dates are written."""
    if text not in DATE_FORMATS:
        raise InvalidValueError(f"is {text!r}; set it to one of {', '.join(DATE_FORMATS)}.")
    return text


def parse_mail_server(text: str) -> MailServer:
    """Return the mail server; the error does not quote the text, which may hold a password."""
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in MAIL_PORTS or not parts.hostname or port == -1 or parts.path.strip("/"):
        raise InvalidValueError(
            "is not the address of a mail server; write it as smtps://user:password@host:465, or with smtp:// and port "
            "587 for STARTTLS."
        )
    return MailServer(
        host=parts.hostname,
        port=port or MAIL_PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        encryption="tls" if parts.scheme == "smtps" else "none" if parts.hostname in THIS_MACHINE else "starttls",
    )


def parse_mail_address(text: str) -> str:
    """Return an address that mails come from, such as HealthTrack <healthtrack@hospital.example>."""
    _, address = parseaddr(text)
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", address):
        raise InvalidValueError(f"is {text!r}; write a mail address such as healthtrack@hospital.example.")
    return text


def parse_folder(text: str) -> Path:
    """Return the absolute path of a folder, which need not exist."""
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: an unknown user's home, or links in a circle
        raise InvalidValueError(f"is {text!r}; set it to a folder that can be written.") from error


def parse_https_address(text: str) -> str:
    """Return the address of a service, which is reached over HTTPS unless it is on this machine."""
    parts = urlsplit(text)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE)
    if not (is_safe and parts.hostname) or parts.query or parts.fragment or parts.username:
        raise InvalidValueError(f"is {text!r}; set it to an address such as https://s3.hospital.example.")
    return text


def parse_object_encryption(text: str) -> str:
    """Return how an object storage encrypts what it stores, as S3 names it."""
    if text not in OBJECT_ENCRYPTIONS:
        raise InvalidValueError(f"is {text!r}; set it to {' or '.join(OBJECT_ENCRYPTIONS)}.")
    return text


def parse_program_folder(text: str) -> Path:
    """Return the folder without resolving links: the programs of some systems find their own files by that path."""
    return Path(text).expanduser().absolute()


def parse_database(text: str) -> Mapping[str, Any]:
    """Return Django's settings of the database; the error does not quote the text, which may hold a password.

    libpq reads the address, so all its forms are understood: of several servers, the connection is to the primary.
    """
    from psycopg import ProgrammingError, conninfo  # noqa: PLC0415  (commands without a database need no driver)

    is_address = text.startswith(("postgresql://", "postgres://"))
    try:
        parts = conninfo.conninfo_to_dict(text if is_address else "=")
        for port in str(parts.get("port", "")).split(","):
            parse_port(port or "5432")
    except (ProgrammingError, InvalidValueError):
        raise InvalidValueError(
            "is not the address of a PostgreSQL database; write it as postgresql://user:password@host:5432/name, or "
            "as postgresql://user:password@host1:5432,host2:5432/name if it has replicas that may be promoted."
        ) from None
    given = {name: str(parts.pop(part, "") or "") for name, part in _DATABASE_PARTS.items()}
    if "," in given["HOST"]:
        parts.setdefault("target_session_attrs", "read-write")
    return {"ENGINE": POSTGRESQL_ENGINE, **given, "OPTIONS": parts}


def parse_databases(text: str) -> tuple[Mapping[str, Any], ...]:
    """Return Django's settings of the databases whose addresses are separated by commas.

    A comma may also be within an address, before a second host.
    """
    return tuple(parse_database(address.strip(", ")) for address in re.split(r",\s*(?=postgres(?:ql)?://)", text))
