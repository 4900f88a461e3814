"""Names that people type at the sign-in.

People sometimes type a password into the name field. So the database and the log get only a digest of a name, whose key
is the secret key: without it, nobody can find out a password by digesting guesses.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

MAX_NAME_LENGTH = 150  # the sign-in form refuses longer names


def get_typed_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the name that was typed, as the sign-in form cleans it: its spellings count as one name."""
    typed = str((credentials or request.POST).get("username") or "").replace("\0", "")
    return unicodedata.normalize("NFKC", typed.strip()[:MAX_NAME_LENGTH]).strip()


def digest(name: str) -> str:
    """Return a keyed digest of the name, as 64 hexadecimal digits."""
    return salted_hmac("healthtrack.signin.name", name, algorithm="sha256").hexdigest()
