"""Encrypt the keys of authenticator apps with keys that are not in the database.

A stored key is a text of at most 80 characters, which is what django-otp's column holds. It is bound to its account:
copied to the row of another one, it cannot be decrypted. Versions before 0.2.0 stored hexadecimal digits.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "aes:"
_NONCE_BYTES = 12


class UnreadableKeyError(Exception):
    """None of the keys in HEALTHTRACK_TOTP_KEYS decrypts the key of an app."""


def encrypt(key: bytes, user_id: int) -> str:
    """Return the key of an app as the database stores it, encrypted with the newest of our keys."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + next(_get_ciphers()).encrypt(nonce, key, _describe(user_id))
    return PREFIX + urlsafe_b64encode(sealed).decode()


def decrypt(stored: str, user_id: int) -> bytes:
    """Return the key of an app. Raise UnreadableKeyError if none of our keys decrypts it."""
    if not is_encrypted(stored):
        return bytes.fromhex(stored)
    return next(_try_keys(stored, user_id))[1]


def is_encrypted(stored: str) -> bool:
    """Return whether the key of an app is encrypted, with whichever key."""
    return stored.startswith(PREFIX)


def is_newest(stored: str, user_id: int) -> bool:
    """Return whether the key of an app is encrypted with the newest of our keys.

    Raise UnreadableKeyError if it is encrypted and none of our keys decrypts it.
    """
    return is_encrypted(stored) and next(_try_keys(stored, user_id))[0] == 0


def _try_keys(stored: str, user_id: int) -> Iterator[tuple[int, bytes]]:
    """Return the place of the key that decrypts, and what it decrypts."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  (as below)

    try:
        sealed = urlsafe_b64decode(stored.removeprefix(PREFIX))
    except ValueError as error:
        raise UnreadableKeyError from error
    for place, cipher in enumerate(_get_ciphers()):
        try:
            key = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _describe(user_id))
        except (InvalidTag, ValueError):  # ValueError: too short
            continue
        yield place, key
    raise UnreadableKeyError


def _get_ciphers() -> Iterator["AESGCM"]:
    # Every process imports this module, and few requests need the library.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    return (AESGCM(bytes.fromhex(key)) for key in settings.TOTP_KEYS)


def _describe(user_id: int) -> bytes:
    return f"healthtrack.signin.app.{user_id}".encode()
