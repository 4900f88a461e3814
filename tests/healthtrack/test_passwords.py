"""Which passwords are accepted, and how they are stored."""

from contextlib import suppress
from time import perf_counter

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from healthtrack import settings as project
from tests.support.signing_in import PASSWORD, SignIn

GUESSABLE = [
    *("fourteen chars", "1234567890123456", "1qaz2wsx3edc4rfv", "ada.lovelace.1815"),
    # common passwords, and parts of them
    *("password123456789", "passwordpassword", "Password!Password!", "iloveyou12345678", "letmein-letmein-1"),
    *("P@ssw0rdP@ssw0rd", "drowssap987654321", "p a s s w o r d 1 2 3", "\uff50\uff41\uff53\uff53word123456789"),
    # patterns
    *("aaaaaaaaaaaaaaaa", "abcabcabcabcabcabc", "111222333444555", "abcdefghijklmnop", "zyxwvutsrqponmlk"),
    *("qwertyuiopasdfgh", "qwertyasdfghzxcvbn1234", "asdfghjkl;qwertyuiop", "1q2w3e4r5t6y7u8i9o", "qwe123asd456zxc"),
    *("2026-01-01-2026-12-31", "january-2026-monday", "--------------------"),
    # this program
    *("healthtrack2026!", "HealthTrack-2026", "medical-records-1", "health_track_patients_2025", "skcarthtlaeh2026"),
]


@pytest.mark.parametrize("password", GUESSABLE)
def test_a_short_common_or_guessable_password_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, User(username="ada.lovelace.1815"))


@pytest.mark.parametrize(
    "password",
    ["adabyron-adabyron", "Ada.Byron.Ada.1984", "notting-hill-1815", "ada@notting-hill.example", "stmarys-stmarys-99"],
)
def test_names_of_the_person_the_program_and_the_hospital_are_easy_to_guess(
    password: str, settings: LazySettings
) -> None:
    settings.PASSWORD_WORDS = ("St Mary's", "St. Marys")
    person = User(username="abyron", first_name="Ada", last_name="Byron", email="ada@notting-hill.example")
    with pytest.raises(ValidationError):
        validate_password(password, person)


@pytest.mark.parametrize(
    "password",
    [
        *("seven green umbrellas dancing", "fjord-kettle-ribbon-walnut", "purple monkey dishwasher sonata"),
        *(
            "ofwjxkqzpmvbtrd",
            "604857204958301",
            "%&(§=?!)/+*#~<>|",
            "мороженое-трамвай-ёлка",
            "東京の雨は紫色の猫が静かに踊る夜",
        ),
    ],
)
def test_words_that_have_nothing_to_do_with_each_other_are_accepted(password: str) -> None:
    validate_password(password, User(username="abyron", first_name="Ada"))


def test_the_page_for_a_new_password_says_why_one_is_refused(sign_in: SignIn) -> None:
    form = {"old_password": PASSWORD, **dict.fromkeys(("new_password1", "new_password2"), "healthtrack2026!")}
    page = sign_in().post("/admin/password_change/", form).content.decode()
    assert "This password is easy to guess" in page
    assert "Use four or more words that have nothing to do with each other" in page


@pytest.mark.parametrize("password", ["a" * 4096, "4@8({[<369!|1705$+7%2" * 20, "password" * 500, "1" * 4096])
def test_a_long_password_is_checked_quickly(password: str) -> None:
    began = perf_counter()
    with suppress(ValidationError):
        validate_password(password)
    assert perf_counter() - began < 5


def test_a_password_is_hashed_with_argon2(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = project.PASSWORD_HASHERS
    assert make_password("fifteen letters").startswith("argon2$argon2id$")
