"""Parse the text of environment variables; each function raises InvalidValueError, which says what to write instead."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dj_database_url

Network = IPv4Network | IPv6Network

POSTGRESQL_ENGINE = "django.db.backends.postgresql"
MAX_PORT = 65535


class InvalidValueError(Exception):
    """Says what is wrong with a value and what to write instead, as the rest of a sentence that begins with a name."""


def flag(text: str) -> bool:
    value = text.lower()
    if value in {"0", "no", "false", "off"}:
        return False
    if value in {"1", "yes", "true", "on"}:
        return True
    raise InvalidValueError(f"is {value!r}; set it to 1 or 0.")


def whole_number(text: str) -> int:
    if not re.fullmatch("0*[1-9][0-9]{0,11}", text):
        raise InvalidValueError(f"is {text!r}; set it to a whole number from 1 on, such as 200.")
    return int(text)


def port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= MAX_PORT):
        raise InvalidValueError(f"is {text!r}; set it to a number from 1 to {MAX_PORT}.")
    return int(text)


def names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part) for part in names(text))
    except ValueError as error:
        raise InvalidValueError(f"is {text!r} ({error}); write addresses such as 10.0.0.5 or 10.0.0.0/8.") from error


def header(text: str) -> str:
    """Return an HTTP header in the form in which a request holds it."""
    if not re.fullmatch(r"[A-Za-z0-9-]+", text):
        raise InvalidValueError(f"is {text!r}; set it to a header's name, such as X-Forwarded-Proto.")
    return f"HTTP_{text.upper().replace('-', '_')}"


def time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise InvalidValueError(f"is {text!r}; set it to a time zone such as Asia/Kolkata.") from error
    return text


def folder(text: str) -> Path:
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError) as error:  # the latter: no such user's home, links in a circle
        raise InvalidValueError(f"is {text!r}; set it to a folder that can be written.") from error


def program_folder(text: str) -> Path:
    """Return the folder as it is named: the programs of some systems find their own files by that path."""
    return Path(text).expanduser().absolute()


def database(text: str) -> Mapping[str, Any]:
    """Return Django's settings of the database; a refusal does not quote the text, which may hold a password."""
    try:
        parsed: Mapping[str, Any] = dj_database_url.parse(text)
    except ValueError:
        parsed = {}
    if parsed.get("ENGINE") != POSTGRESQL_ENGINE:
        raise InvalidValueError("names no PostgreSQL database; write it as postgresql://user:password@host:5432/name.")
    return parsed
