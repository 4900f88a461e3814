"""Which passwords are accepted, and how they are stored."""

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from healthtrack import settings as project


@pytest.mark.parametrize("password", ["fourteen chars", "1234567890123456", "1qaz2wsx3edc4rfv", "ada.lovelace.1815"])
def test_a_short_common_or_guessable_password_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, User(username="ada.lovelace.1815"))


def test_fifteen_letters_are_enough() -> None:
    validate_password("fifteen letters")


def test_a_password_is_hashed_with_argon2(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = project.PASSWORD_HASHERS
    assert make_password("fifteen letters").startswith("argon2$argon2id$")
