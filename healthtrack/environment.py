"""Read the environment variables that configure HealthTrack, once, into one typed and frozen object.

`healthtrack.settings` turns the object into Django settings; nothing else reads configuration from the environment.
The table of docs/settings.md is generated from the declarations below.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured

from healthtrack.core import environment_values as values
from healthtrack.core.database import tls
from healthtrack.core.environment_values import InvalidValueError, MailServer, Network
from healthtrack.core.environment_variables import Variable, declare

BASE_DIR = Path(__file__).resolve().parent.parent
NEEDED_IN_PRODUCTION = ("HEALTHTRACK_SECRET_KEY", "HEALTHTRACK_TOTP_KEYS", "HEALTHTRACK_ALLOWED_HOSTS", "DATABASE_URL")
MIN_SECRET_KEY_LENGTH = 50


@dataclass(frozen=True, kw_only=True, repr=False)  # with DEBUG, an error page would show the secrets
class Environment:
    """The environment variables; `declare` states the default of each and its row in docs/settings.md."""

    port: int = declare(
        Variable("PORT", values.parse_port, "port of the web server on this machine: `PORT=8001 make run`"),
        default=8000,
    )
    web_concurrency: int = declare(
        Variable(
            "WEB_CONCURRENCY",
            values.parse_whole_number,
            "how many processes gunicorn starts",
            default_text="processors + 1",
        ),
        default=(os.cpu_count() or 1) + 1,
    )
    database: Mapping[str, Any] | None = declare(
        Variable(
            "DATABASE_URL",
            values.parse_database,
            "address of another PostgreSQL, such as `postgresql://user:password@host:5432/name`; with several hosts, "
            "`host1:5432,host2:5432`, the primary among them",
            default_text="the embedded one",
        ),
        default=None,
    )
    direct_database: Mapping[str, Any] | None = declare(
        Variable(
            "DATABASE_DIRECT_URL",
            values.parse_database,
            "address of the same PostgreSQL for the worker and for commands, if `DATABASE_URL` is the address of a "
            "connection pool in transaction mode",
            default_text="`DATABASE_URL`",
        ),
        default=None,
    )
    replicas: tuple[Mapping[str, Any], ...] = declare(
        Variable(
            "DATABASE_REPLICA_URL",
            values.parse_databases,
            "addresses of streaming replicas, separated by commas, from which reports, lists, searches and downloads "
            "are read; see [operations](operations.md#replicas)",
            default_text="none",
        ),
        default=(),
    )
    replica_max_lag: int = declare(
        Variable(
            "HEALTHTRACK_REPLICA_MAX_LAG",
            values.parse_whole_number,
            "how many seconds a replica may be behind; the primary is read while it is further behind",
        ),
        default=10,
    )
    data_dir: Path = declare(  # noqa: RUF009  (declares a field)
        Variable(
            "HEALTHTRACK_DATA_DIR",
            values.parse_folder,
            "folder of the embedded database, the secrets, the static files and the uploads",
            default_text="`var`",
        ),
        default=(BASE_DIR / "var").resolve(),
    )
    uploads_dir: Path | None = declare(  # noqa: RUF009  (declares a field)
        Variable(
            "HEALTHTRACK_UPLOADS_DIR",
            values.parse_folder,
            "folder of the uploads, on a disk that all web hosts and workers share, if there are several",
            default_text="`uploads` in the data folder",
        ),
        default=None,
    )
    uploads_bucket: str = declare(
        Variable(
            "HEALTHTRACK_UPLOADS_BUCKET",
            str,
            "bucket of an S3-compatible object storage for the uploads, in place of a folder; see "
            "[operations](operations.md#object-storage)",
            default_text="none",
        ),
        default="",
    )
    uploads_endpoint: str = declare(
        Variable(
            "HEALTHTRACK_UPLOADS_ENDPOINT",
            values.parse_https_address,
            "address of the object storage, such as `https://s3.hospital.example`",
            default_text="that of AWS",
        ),
        default="",
    )
    uploads_encryption: str = declare(
        Variable(
            "HEALTHTRACK_UPLOADS_ENCRYPTION",
            values.parse_object_encryption,
            "how the object storage encrypts uploads: `AES256`, or `aws:kms` with a key of its key management",
        ),
        default="AES256",
    )
    pg_bin: Path | None = declare(  # noqa: RUF009  (declares a field)
        Variable(
            "HEALTHTRACK_PG_BIN",
            values.parse_program_folder,
            "folder of other PostgreSQL programs for the embedded database, such as `/usr/lib/postgresql/15/bin`",
            default_text="those of the wheel, or newer ones of the system",
        ),
        default=None,
    )
    secret_key: str = declare(
        Variable(
            "HEALTHTRACK_SECRET_KEY",
            str,
            "the key that signs sessions",
            default_text="random, stored in the data folder",
        ),
        default="",
    )
    secret_key_fallbacks: tuple[str, ...] = declare(
        Variable(
            "HEALTHTRACK_SECRET_KEY_FALLBACKS",
            values.split_names,
            "former secret keys that are still accepted, separated by commas; see [operations](operations.md#keys)",
        ),
        default=(),
    )
    totp_keys: tuple[str, ...] = declare(
        Variable(
            "HEALTHTRACK_TOTP_KEYS",
            values.parse_keys,
            "keys that encrypt those of authenticator apps, of 64 hexadecimal digits each, the newest first, separated "
            "by commas",
            default_text="random, stored in the data folder",
        ),
        default=(),
    )
    allowed_hosts: tuple[str, ...] = declare(
        Variable("HEALTHTRACK_ALLOWED_HOSTS", values.split_names, "host names of the site, separated by commas"),
        default=("localhost", "127.0.0.1", "[::1]"),
    )
    password_words: tuple[str, ...] = declare(
        Variable(
            "HEALTHTRACK_PASSWORD_WORDS",
            values.split_names,
            "words that are easy to guess in a password, such as the names of your hospital and its town, separated by "
            "commas",
        ),
        default=(),
    )
    backup_recipients: tuple[str, ...] = declare(
        Variable(
            "HEALTHTRACK_BACKUP_RECIPIENTS",
            values.split_names,
            "public keys of age for which backups are encrypted, separated by commas",
        ),
        default=(),
    )
    backup_signing_key: Path | None = declare(  # noqa: RUF009  (declares a field)
        Variable(
            "HEALTHTRACK_BACKUP_SIGNING_KEY",
            values.parse_folder,
            "file of the key that signs backups, which only the writer of backups may read",
        ),
        default=None,
    )
    backup_verify_keys: tuple[str, ...] = declare(
        Variable(
            "HEALTHTRACK_BACKUP_VERIFY_KEYS",
            values.split_names,
            "public keys of the signatures that a restore accepts, separated by commas",
        ),
        default=(),
    )
    trusted_proxies: tuple[Network, ...] = declare(
        Variable(
            "HEALTHTRACK_TRUSTED_PROXIES",
            values.parse_networks,
            "addresses or networks of your proxies, whose `X-Forwarded-For` is trusted; required in production with "
            "`HEALTHTRACK_HTTPS_HEADER`",
        ),
        default=(),
    )
    metrics_addresses: tuple[Network, ...] = declare(
        Variable(
            "HEALTHTRACK_METRICS_ADDRESSES",
            values.parse_networks,
            "addresses or networks that may read `/metrics`",
            default_text="this machine",
        ),
        default=values.parse_networks("127.0.0.0/8,::1"),
    )
    production: bool = declare(
        Variable(
            "HEALTHTRACK_PRODUCTION",
            values.parse_flag,
            "`1` if other people use this HealthTrack; see [operations](operations.md#production)",
        ),
        default=False,
    )
    second_factor: bool | None = declare(
        Variable(
            "HEALTHTRACK_SECOND_FACTOR",
            values.parse_flag,
            "`1` requires two-factor authentication of everybody; in production it cannot be `0`",
            default_text="`1`; `0` for `make run` and with `HEALTHTRACK_DEBUG`",
        ),
        default=None,
    )
    https_header: str = declare(
        Variable(
            "HEALTHTRACK_HTTPS_HEADER",
            values.parse_header,
            "header in which the proxy says that a request came over HTTPS, such as `X-Forwarded-Proto`",
        ),
        default="",
    )
    readings_undo_days: int = declare(
        Variable(
            "HEALTHTRACK_READINGS_UNDO_DAYS",
            values.parse_whole_number,
            "how many days an import of readings can be undone",
        ),
        default=90,
    )
    readings_months: int = declare(
        Variable(
            "HEALTHTRACK_READINGS_MONTHS",
            values.parse_whole_number,
            "retention of readings, in months",
        ),
        default=1200,
    )
    access_log_months: int = declare(
        Variable(
            "HEALTHTRACK_ACCESS_LOG_MONTHS",
            values.parse_whole_number,
            "retention of the access log and the sign-in events, in months",
        ),
        default=72,
    )
    time_zone: str = declare(
        Variable(
            "HEALTHTRACK_TIME_ZONE",
            values.parse_time_zone,
            "the time zone that decides which day it is, such as `Asia/Kolkata`; people can choose another one for the "
            "times on their pages",
            default_text="`UTC`",
        ),
        default="UTC",
    )
    date_format: str = declare(
        Variable(
            "HEALTHTRACK_DATE_FORMAT",
            values.parse_date_format,
            "how pages write 30 November 2026, unless a person chooses otherwise: `words` (30 Nov 2026), `iso` "
            "(2026-11-30), `us` (11/30/2026) or `dots` (30.11.2026)",
        ),
        default="words",
    )
    max_upload_mb: int = declare(
        Variable(
            "HEALTHTRACK_MAX_UPLOAD_MB",
            values.parse_whole_number,
            "maximum size of an uploaded file, in MB",
            old_name="HEALTHTRACK_MOST_UPLOAD_MB",
        ),
        default=200,
    )
    max_rows: int = declare(
        Variable(
            "HEALTHTRACK_MAX_ROWS",
            values.parse_whole_number,
            "maximum number of rows in a file",
            old_name="HEALTHTRACK_MOST_ROWS",
        ),
        default=5000000,
    )
    max_uploads_per_day: int = declare(
        Variable(
            "HEALTHTRACK_MAX_UPLOADS_PER_DAY", values.parse_whole_number, "how many times a person may upload in a day"
        ),
        default=100,
    )
    mail_server: MailServer | None = declare(  # noqa: RUF009  (declares a field)
        Variable(
            "HEALTHTRACK_MAIL_SERVER",
            values.parse_mail_server,
            "mail server, such as `smtps://user:password@mail.example:465`; with `smtp://` and port 587 the connection "
            "begins with STARTTLS, except to this machine; without one, nothing is mailed",
        ),
        default=None,
    )
    mail_from: str = declare(
        Variable(
            "HEALTHTRACK_MAIL_FROM",
            values.parse_mail_address,
            "address that mails come from; required with `HEALTHTRACK_MAIL_SERVER`",
        ),
        default="",
    )
    debug: bool = declare(
        Variable(
            "HEALTHTRACK_DEBUG",
            values.parse_flag,
            "`1` shows full errors in the browser, including patients' data; only for development",
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
        """Return the parsed variables; raise ImproperlyConfigured, with a remedy, if one is invalid."""
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
        environment._refuse_contradictions()
        if environment.production:
            environment._refuse_unsafe_values({cls.variables()[name].name for name, value in given.items() if value})
            environment._refuse_unverified_database(variables)
        return environment

    def _refuse_contradictions(self) -> None:
        """Raise ImproperlyConfigured if a variable is set that makes no sense without, or together with, another."""
        if self.direct_database and not self.database:
            raise ImproperlyConfigured(
                "DATABASE_DIRECT_URL is set without DATABASE_URL. Set DATABASE_URL to the address of the connection "
                "pool, or of the database itself if there is no pool."
            )
        if self.uploads_dir and self.uploads_bucket:
            raise ImproperlyConfigured(
                "HEALTHTRACK_UPLOADS_DIR and HEALTHTRACK_UPLOADS_BUCKET are both set. Unset one of them: uploads are "
                "stored either in a folder or in a bucket."
            )
        if self.mail_server and not self.mail_from:
            raise ImproperlyConfigured(
                "HEALTHTRACK_MAIL_FROM is missing. Set it to the address that mails come from, such as "
                "healthtrack@hospital.example."
            )

    def _refuse_unsafe_values(self, given: set[str]) -> None:
        """Raise ImproperlyConfigured if a setting is unsafe in production, or missing where the default is unsafe."""
        missing = [name for name in NEEDED_IN_PRODUCTION if name not in given]
        if missing:
            raise ImproperlyConfigured(f"Set these variables in production: {', '.join(missing)}.")
        if self.debug:
            raise ImproperlyConfigured("HEALTHTRACK_DEBUG shows patients' data on error pages. Unset it in production.")
        if self.second_factor is False:
            raise ImproperlyConfigured(
                "HEALTHTRACK_SECOND_FACTOR switches two-factor authentication off. Unset it in production."
            )
        if len(self.secret_key) < MIN_SECRET_KEY_LENGTH:
            raise ImproperlyConfigured(
                f"HEALTHTRACK_SECRET_KEY is too short. Set it to at least {MIN_SECRET_KEY_LENGTH} random characters."
            )
        if any(len(key) < MIN_SECRET_KEY_LENGTH for key in self.secret_key_fallbacks):
            raise ImproperlyConfigured(
                "HEALTHTRACK_SECRET_KEY_FALLBACKS has a key that is too short. Remove it: anybody could guess it."
            )
        if "*" in self.allowed_hosts:
            raise ImproperlyConfigured("HEALTHTRACK_ALLOWED_HOSTS allows every host. Name the hosts that you serve.")
        if self.https_header and not self.trusted_proxies:
            raise ImproperlyConfigured(
                "HEALTHTRACK_HTTPS_HEADER trusts a proxy that HEALTHTRACK_TRUSTED_PROXIES does not name, so everybody "
                "would have its address. Set HEALTHTRACK_TRUSTED_PROXIES to the proxy's address, such as 10.0.0.5."
            )

    def _refuse_unverified_database(self, variables: Mapping[str, str]) -> None:
        """Raise ImproperlyConfigured if the database is on another machine, whose certificate nobody would check."""
        databases = [("DATABASE_URL", self.database), ("DATABASE_DIRECT_URL", self.direct_database)]
        for name, database in [*databases, *(("DATABASE_REPLICA_URL", replica) for replica in self.replicas)]:
            if database and (host := tls.find_unverified_host(database, variables)):
                raise ImproperlyConfigured(
                    f"{name} connects to another machine, {host}, without checking that it is the right one. Add "
                    f"sslmode=verify-full to {name}, and sslrootcert= with the file of your certificate authority, or "
                    "with system for a public one."
                )
