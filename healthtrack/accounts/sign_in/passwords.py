"""Refuse passwords that are easy to guess, however long they are."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from math import log10
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError

MIN_DIGITS = 10  # of the number of guesses
MAX_LETTERS = 40  # the time to estimate grows with the square of the length, and so many letters decide already
PRODUCT_WORDS = ("healthtrack", "health", "track", "tracker", "fitness", "medical", "records", "patients", "hospital")
FIRST_YEAR = 2019  # earlier ones are known to zxcvbn
USER_FIELDS = ("username", "first_name", "last_name", "email")
_SEPARATORS = re.compile(r"[\W_]+")
_SPACING = re.compile(r"[\s._-]+")
MESSAGE = (
    "This password is easy to guess: it consists of common words or passwords, names, sequences, rows of the keyboard"
    " or repetitions. Use four or more words that have nothing to do with each other, with you or with HealthTrack."
)


class GuessablePasswordValidator:
    """Refuses passwords that an attacker who knows the person and the program needs few guesses for."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        if _count_digits(password, list(_list_context_words(user))) < MIN_DIGITS:
            raise ValidationError(MESSAGE, code="password_guessable")

    def get_help_text(self) -> str:
        return (
            "Four or more words that have nothing to do with each other are a good password. Common words, names,"
            " sequences and repetitions alone are refused. You may use any characters, and need not use special ones."
        )


def _list_context_words(user: AbstractBaseUser | None) -> Iterator[str]:
    """Yield the words that are likely in passwords of this person and this program, in lower case."""
    own = [str(getattr(user, field, "")) for field in USER_FIELDS]
    for text in (*own, *settings.PASSWORD_WORDS, *settings.ALLOWED_HOSTS):
        yield _normalize(text).lower()
        yield from _SEPARATORS.split(_normalize(text).lower())
    yield from PRODUCT_WORDS
    yield from (str(year) for year in range(FIRST_YEAR, date.today().year + 2))  # noqa: DTZ011  (next year is included)


def _normalize(text: str) -> str:
    """Return the text without the spaces and hyphens that make the same words look different."""
    return _SPACING.sub("", unicodedata.normalize("NFKC", text))


def _count_digits(password: str, words: list[str]) -> float:
    """Return the decimal logarithm of the guesses for the likeliest way in which a password is made of parts.

    zxcvbn finds the parts and estimates each. Its own total is not used: it grows so fast with the number of parts that
    four rows of the keyboard pass.
    """
    from zxcvbn import matching, scoring  # noqa: PLC0415  (its lists of words take memory, and are seldom needed)

    text = _normalize(password)[:MAX_LETTERS]
    ranks = {word: rank for rank, word in enumerate(filter(None, words), start=1)}
    parts: list[dict[str, Any]] = matching.omnimatch(text, {**matching.RANKED_DICTIONARIES, "user_inputs": ranks})
    digits = [0.0]  # for the first letters of the text
    for end in range(len(text)):
        ways = [digits[part["i"]] + log10(scoring.estimate_guesses(part, text)) for part in parts if part["j"] == end]
        digits.append(min([digits[end] + 1, *ways]))
    return digits[-1]
