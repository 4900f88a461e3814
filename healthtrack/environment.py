"""Read the environment variables that configure HealthTrack, once, into one typed and frozen object.

`healthtrack.settings` turns the object into Django settings; nothing else reads configuration from the environment.
The table of docs/settings.md is generated from the declarations below.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from django.core.exceptions import ImproperlyConfigured

from healthtrack.core import environment_values as values
from healthtrack.core.environment_values import InvalidValueError, Network

T = TypeVar("T")

BASE_DIR = Path(__file__).resolve().parent.parent
NEEDED_IN_PRODUCTION = ("HEALTHTRACK_SECRET_KEY", "HEALTHTRACK_ALLOWED_HOSTS", "DATABASE_URL")
MIN_SECRET_KEY_LENGTH = 50


@dataclass(frozen=True)
class Variable:
    """An environment variable: how its text is read, and what docs/settings.md says about it."""

    name: str
    parse: Callable[[str], Any]
    meaning: str
    shown: str = ""  # the default in words, where its value does not say it
    old_name: str = ""

    def read(self, variables: Mapping[str, str]) -> tuple[str, str]:
        """Return the name that is set, the old one only if the new one is not, and its text."""
        for name in filter(None, (self.name, self.old_name)):
            if text := variables.get(name, "").strip():
                return name, text
        return self.name, ""


def _declare(variable: Variable, *, default: T) -> T:
    """Declare a field of `Environment`."""
    declared: T = field(
        default=default, metadata={"variable": replace(variable, shown=variable.shown or _shown(default))}
    )
    return declared


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return f"`{default:d}`"
    if isinstance(default, tuple) and default:
        return f"`{','.join(map(str, default))}`"
    return str(default or "none")


@dataclass(frozen=True, kw_only=True, repr=False)  # an error page with DEBUG would show the secrets
class Environment:
    """What the environment variables say; `_declare` gives each its default and its row in docs/settings.md."""

    port: int = _declare(
        Variable("PORT", values.port, "the port of the web server on this machine: `PORT=8001 make run`"), default=8000
    )
    web_concurrency: int = _declare(
        Variable(
            "WEB_CONCURRENCY", values.whole_number, "how many processes of gunicorn serve", shown="processors + 1"
        ),
        default=(os.cpu_count() or 1) + 1,
    )
    database: Mapping[str, Any] | None = _declare(
        Variable(
            "DATABASE_URL",
            values.database,
            "another PostgreSQL, such as `postgresql://user:password@host:5432/name`",
            shown="the embedded one",
        ),
        default=None,
    )
    data_dir: Path = _declare(  # noqa: RUF009  (declares a field)
        Variable(
            "HEALTHTRACK_DATA_DIR",
            values.folder,
            "folder of the embedded database, the secrets, the static files and the uploads",
            shown="`var`",
        ),
        default=(BASE_DIR / "var").resolve(),
    )
    pg_bin: Path | None = _declare(  # noqa: RUF009  (declares a field)
        Variable(
            "HEALTHTRACK_PG_BIN",
            values.program_folder,
            "folder of other PostgreSQL programs for the embedded database, such as `/usr/lib/postgresql/15/bin`",
            shown="those of the wheel",
        ),
        default=None,
    )
    secret_key: str = _declare(
        Variable("HEALTHTRACK_SECRET_KEY", str, "key that signs sessions", shown="random, kept in the data folder"),
        default="",
    )
    allowed_hosts: tuple[str, ...] = _declare(
        Variable("HEALTHTRACK_ALLOWED_HOSTS", values.names, "host names to answer to, separated by commas"),
        default=("localhost", "127.0.0.1", "[::1]"),
    )
    backup_recipients: tuple[str, ...] = _declare(
        Variable(
            "HEALTHTRACK_BACKUP_RECIPIENTS",
            values.names,
            "public keys of age that backups are encrypted for, separated by commas",
        ),
        default=(),
    )
    trusted_proxies: tuple[Network, ...] = _declare(
        Variable(
            "HEALTHTRACK_TRUSTED_PROXIES",
            values.networks,
            "addresses or networks of your proxies, whose `X-Forwarded-For` is believed",
        ),
        default=(),
    )
    metrics_addresses: tuple[Network, ...] = _declare(
        Variable(
            "HEALTHTRACK_METRICS_ADDRESSES",
            values.networks,
            "addresses or networks that may read `/metrics`",
            shown="this machine",
        ),
        default=values.networks("127.0.0.0/8,::1"),
    )
    production: bool = _declare(
        Variable(
            "HEALTHTRACK_PRODUCTION",
            values.flag,
            "`1` for use by others than you; see [operations](operations.md#production)",
        ),
        default=False,
    )
    second_factor: bool | None = _declare(
        Variable(
            "HEALTHTRACK_SECOND_FACTOR",
            values.flag,
            "`1` asks everybody for a code from an app after the password; in production it cannot be `0`",
            shown="`1`; `0` for `make run` and with `HEALTHTRACK_DEBUG`",
        ),
        default=None,
    )
    https_header: str = _declare(
        Variable(
            "HEALTHTRACK_HTTPS_HEADER",
            values.header,
            "header in which the proxy says that a request came by TLS, such as `X-Forwarded-Proto`",
        ),
        default="",
    )
    access_log_months: int = _declare(
        Variable("HEALTHTRACK_ACCESS_LOG_MONTHS", values.whole_number, "how many months the access log is kept"),
        default=72,
    )
    time_zone: str = _declare(
        Variable(
            "HEALTHTRACK_TIME_ZONE",
            values.time_zone,
            "the zone that says which day it is, such as `Asia/Kolkata`",
            shown="`UTC`",
        ),
        default="UTC",
    )
    max_upload_mb: int = _declare(
        Variable(
            "HEALTHTRACK_MAX_UPLOAD_MB",
            values.whole_number,
            "the biggest file that may be uploaded, in MB",
            old_name="HEALTHTRACK_MOST_UPLOAD_MB",
        ),
        default=200,
    )
    max_rows: int = _declare(
        Variable(
            "HEALTHTRACK_MAX_ROWS",
            values.whole_number,
            "the most rows that a file may hold",
            old_name="HEALTHTRACK_MOST_ROWS",
        ),
        default=5000000,
    )
    debug: bool = _declare(
        Variable(
            "HEALTHTRACK_DEBUG",
            values.flag,
            "`1` shows errors in full in the browser, patients' data with them: for development alone",
        ),
        default=False,
    )
    renamed: tuple[tuple[str, str], ...] = ()  # old names that are set, each with its new name

    @classmethod
    def variables(cls) -> dict[str, Variable]:
        """Return the declared variables by the name of their field."""
        return {declared.name: declared.metadata["variable"] for declared in fields(cls) if declared.metadata}

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Parse the variables, and raise ImproperlyConfigured with a remedy where one makes no sense."""
        given: dict[str, Any] = {}
        renamed = []
        for field_name, variable in cls.variables().items():
            name, text = variable.read(variables)
            if not text:
                continue
            try:
                given[field_name] = variable.parse(text)
            except InvalidValueError as error:
                raise ImproperlyConfigured(f"{name} {error}") from error
            if name == variable.old_name:
                renamed.append((name, variable.name))
        environment = cls(**given, renamed=tuple(renamed))
        if environment.production:
            environment._refuse_what_is_unsafe({cls.variables()[name].name for name, value in given.items() if value})
        return environment

    def _refuse_what_is_unsafe(self, given: set[str]) -> None:
        """In production nothing is left to defaults, for others than the person at this machine can reach it."""
        missing = [name for name in NEEDED_IN_PRODUCTION if name not in given]
        if missing:
            raise ImproperlyConfigured(f"In production these must be set, and are not: {', '.join(missing)}.")
        if self.debug:
            raise ImproperlyConfigured("HEALTHTRACK_DEBUG shows patients' data in errors; unset it in production.")
        if self.second_factor is False:
            raise ImproperlyConfigured(
                "HEALTHTRACK_SECOND_FACTOR is off, and passwords get stolen; unset it in production."
            )
        if len(self.secret_key) < MIN_SECRET_KEY_LENGTH:
            raise ImproperlyConfigured(
                f"HEALTHTRACK_SECRET_KEY can be guessed; set it to {MIN_SECRET_KEY_LENGTH} random letters or more."
            )
        if "*" in self.allowed_hosts:
            raise ImproperlyConfigured("HEALTHTRACK_ALLOWED_HOSTS lets any host in; name those that you serve.")
