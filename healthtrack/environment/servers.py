"""The variables of what HealthTrack runs on and connects to: ports, databases, folders, storage, mail."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from healthtrack.core import environment_values as values
from healthtrack.core.database import tls
from healthtrack.core.environment_values import MailServer
from healthtrack.core.environment_variables import Variable, declare

BASE_DIR = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, kw_only=True, repr=False)  # with DEBUG, an error page would show passwords
class Servers:
    """The machines, folders and services that HealthTrack uses."""

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

    def refuse_contradictions(self) -> None:
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

    def refuse_unverified_database(self, variables: Mapping[str, str]) -> None:
        """Raise ImproperlyConfigured if the database is on another machine, whose certificate nobody would check."""
        databases = [("DATABASE_URL", self.database), ("DATABASE_DIRECT_URL", self.direct_database)]
        for name, database in [*databases, *(("DATABASE_REPLICA_URL", replica) for replica in self.replicas)]:
            if database and (host := tls.find_unverified_host(database, variables)):
                raise ImproperlyConfigured(
                    f"{name} connects to another machine, {host}, without checking that it is the right one. Add "
                    f"sslmode=verify-full to {name}, and sslrootcert= with the file of your certificate authority, or "
                    "with system for a public one."
                )
