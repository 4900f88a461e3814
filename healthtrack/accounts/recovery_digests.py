"""Digests of recovery codes.

Codes have 120 bits, so nobody can try all of them, and a digest needs no secret: a new secret key changes nothing. The
codes of versions before 0.2.0 were shorter, and their digests depend on the secret key of that time.
"""

import hashlib
from collections.abc import Collection

from django.conf import settings
from django.utils.crypto import salted_hmac

UNKNOWN_KEY = "unknown"  # a migration marks codes so until `manage.py rotate_keys` stores the id of the present key


def make_digest(user_id: int, code: str) -> str:
    """Return the digest of a new code."""
    return hashlib.sha256(f"{_describe(user_id)}.{_normalize(code)}".encode()).hexdigest()


def find_digest(user_id: int, code: str, digests: Collection[str]) -> str | None:
    """Return which of the digests is that of the code, or None."""
    old = (_make_old_digest(user_id, code, key) for key in _get_secret_keys())
    return next((digest for digest in (make_digest(user_id, code), *old) if digest in digests), None)


def get_key_id() -> str:
    """Return what identifies the secret key, without revealing it."""
    return _identify(settings.SECRET_KEY)


def is_lost_key(key_id: str) -> bool:
    """Return whether this identifies a secret key that is neither the present one nor a fallback."""
    return key_id not in {"", UNKNOWN_KEY, *map(_identify, _get_secret_keys())}


def _get_secret_keys() -> list[str]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def _make_old_digest(user_id: int, code: str, secret_key: str) -> str:
    return salted_hmac(_describe(user_id), _normalize(code), secret=secret_key, algorithm="sha256").hexdigest()


def _identify(secret_key: str) -> str:
    return salted_hmac("healthtrack.signin.key-id", "", secret=secret_key, algorithm="sha256").hexdigest()[:16]


def _describe(user_id: int) -> str:
    return f"healthtrack.signin.recovery.{user_id}"


def _normalize(code: str) -> str:
    return "".join(filter(str.isalnum, code.lower()))
