"""What the environment may set, read once by the settings, and refused loudly where it makes no sense."""

import os
import re
import secrets
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

POSTGRESQL_ENGINE = "django.db.backends.postgresql"
EMBEDDED_ENGINE = "healthtrack.operations.embedded_postgres"
NEEDED_IN_PRODUCTION = ("HEALTHTRACK_SECRET_KEY", "HEALTHTRACK_ALLOWED_HOSTS", "DATABASE_URL")
SHORTEST_SECRET_KEY = 50


def flag(name: str, *, default: bool = False) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in {"0", "no", "false", "off"}:
        return False
    if value in {"1", "yes", "true", "on"}:
        return True
    raise ImproperlyConfigured(f"{name} is {value!r}; set it to 1 or 0.")


def production() -> bool:
    """Whether HealthTrack is open to others than the one at this machine, and then nothing is left to defaults."""
    if not flag("HEALTHTRACK_PRODUCTION"):
        return False
    missing = [name for name in NEEDED_IN_PRODUCTION if not os.environ.get(name, "").strip(" ,")]
    if missing:
        raise ImproperlyConfigured(f"In production these must be set, and are not: {', '.join(missing)}.")
    if flag("HEALTHTRACK_DEBUG"):
        raise ImproperlyConfigured("HEALTHTRACK_DEBUG shows patients' data in faults; unset it in production.")
    if not flag("HEALTHTRACK_SECOND_FACTOR", default=True):
        raise ImproperlyConfigured(
            "HEALTHTRACK_SECOND_FACTOR is off, and passwords get stolen; unset it in production."
        )
    if len(os.environ["HEALTHTRACK_SECRET_KEY"]) < SHORTEST_SECRET_KEY:
        raise ImproperlyConfigured(
            f"HEALTHTRACK_SECRET_KEY can be guessed; set it to {SHORTEST_SECRET_KEY} random letters or more."
        )
    if "*" in names("HEALTHTRACK_ALLOWED_HOSTS", ""):
        raise ImproperlyConfigured("HEALTHTRACK_ALLOWED_HOSTS lets any host in; name those that you serve.")
    return True


def header(name: str) -> str:
    """A header of HTTP in the form in which a request holds it."""
    wish = os.environ.get(name, "").strip()
    if not re.fullmatch(r"[A-Za-z0-9-]*", wish):
        raise ImproperlyConfigured(f"{name} is {wish!r}; set it to a header's name, such as X-Forwarded-Proto.")
    return f"HTTP_{wish.upper().replace('-', '_')}" if wish else ""


def names(name: str, default: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def whole_number(name: str, default: int) -> int:
    value = os.environ.get(name, "").strip() or str(default)
    if not re.fullmatch("0*[1-9][0-9]{0,11}", value):
        raise ImproperlyConfigured(f"{name} is {value!r}; set it to a whole number from 1 on, such as {default}.")
    return int(value)


def networks(name: str, default: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(part) for part in names(name, default)]
    except ValueError as fault:
        raise ImproperlyConfigured(f"{name}: {fault}; write addresses such as 10.0.0.5 or 10.0.0.0/8.") from fault


def time_zone(name: str) -> str:
    """The zone that says which day it is; UTC unless another is named."""
    zone = os.environ.get(name, "").strip() or "UTC"
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, ZoneInfoNotFoundError) as fault:
        raise ImproperlyConfigured(f"{name} is {zone!r}; set it to a time zone such as Asia/Kolkata.") from fault
    return zone


def database(options: dict[str, str]) -> dict[str, object]:
    """The settings of the default database: that of DATABASE_URL, or else the embedded PostgreSQL."""
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        return {
            "ENGINE": EMBEDDED_ENGINE,
            "NAME": "healthtrack",
            "USER": "healthtrack",
            "OPTIONS": options,
        }
    try:
        parsed = dj_database_url.parse(url)
    except ValueError:
        parsed = {}
    if parsed.get("ENGINE") != POSTGRESQL_ENGINE:
        raise ImproperlyConfigured(
            "DATABASE_URL names no PostgreSQL database; write it as postgresql://user:password@host:5432/name."
        )
    return {**parsed, "OPTIONS": {**options, **parsed.get("OPTIONS", {})}}


def data_folder(default: Path) -> Path:
    """The folder of everything that HealthTrack keeps outside the database.

    Others may pass through it, for root's PostgreSQL runs as somebody else; what it holds is closed to them.
    """
    folder = Path(os.environ.get("HEALTHTRACK_DATA_DIR") or default)
    try:
        folder = folder.expanduser().resolve()
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    except (OSError, RuntimeError) as fault:  # the latter: no such user's home, links in a circle
        raise _unwritable(folder) from fault
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(folder)
    return folder


def secret_key(folder: Path) -> str:
    """HEALTHTRACK_SECRET_KEY, or a random key that the data folder keeps from the first start on."""
    if key := os.environ.get("HEALTHTRACK_SECRET_KEY"):
        return key
    return keep_secret(folder / "secret_key", secrets.token_urlsafe(50))


def keep_secret(file: Path, secret: str) -> str:
    """What the file holds; when there is none yet, the secret given, readable by its owner alone.

    Of several processes that call it at once the first wins: a link is made whole or not at all.
    """
    try:
        if not file.exists():
            _write_once(file, secret)
        kept = file.read_text()
    except OSError as fault:
        raise ImproperlyConfigured(f"{file} cannot be read or written ({fault.strerror}).") from fault
    if not kept:
        raise ImproperlyConfigured(f"{file} is empty; delete it, and it is made anew.")
    return kept


def _write_once(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        draft.write_text(text)
        with suppress(FileExistsError):
            file.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


def _unwritable(folder: Path) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"The data folder {folder} cannot be written; make it writable, or name another in HEALTHTRACK_DATA_DIR."
    )
