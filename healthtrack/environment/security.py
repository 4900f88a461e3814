"""The variables that protect HealthTrack: keys, hosts, proxies, backups, and whether it is in production."""

from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from healthtrack.core import environment_values as values
from healthtrack.core.environment_values import Network
from healthtrack.core.environment_variables import Variable, declare

NEEDED_IN_PRODUCTION = ("HEALTHTRACK_SECRET_KEY", "HEALTHTRACK_TOTP_KEYS", "HEALTHTRACK_ALLOWED_HOSTS", "DATABASE_URL")
MIN_SECRET_KEY_LENGTH = 50


@dataclass(frozen=True, kw_only=True, repr=False)  # with DEBUG, an error page would show the secrets
class Security:
    """The secrets, and what decides who reaches HealthTrack."""

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
    debug: bool = declare(
        Variable(
            "HEALTHTRACK_DEBUG",
            values.parse_flag,
            "`1` shows full errors in the browser, including patients' data; only for development",
        ),
        default=False,
    )

    def refuse_unsafe_values(self, given: set[str]) -> None:
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
