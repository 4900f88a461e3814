"""Which passwords are accepted, and how they are stored."""

from contextlib import suppress
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from zxcvbn import matching

from healthtrack import settings as project
from healthtrack.accounts.sign_in.passwords import MAX_LETTERS
from tests.support.page import Page
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
def test_only_the_beginning_of_a_long_password_is_estimated(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find_parts, lengths = matching.omnimatch, []

    def record(text: str, *words: object) -> Any:
        lengths.append(len(text))
        return find_parts(text, *words)

    monkeypatch.setattr(matching, "omnimatch", record)
    with suppress(ValidationError):
        validate_password(password)
    assert max(lengths) == MAX_LETTERS


def test_a_password_is_hashed_with_argon2(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = project.PASSWORD_HASHERS
    assert make_password("fifteen letters").startswith("argon2$argon2id$")


@pytest.mark.parametrize("password", ["seven green umbrellas " * 4 + "DANCING", "  Seven Green umbrellas dancing  "])
def test_a_password_is_checked_exactly_as_it_was_typed(sign_in: SignIn, password: str) -> None:
    form = {"old_password": PASSWORD, **dict.fromkeys(("new_password1", "new_password2"), password)}
    assert sign_in().post("/admin/password_change/", form).status_code == 302
    person = User.objects.get()
    assert person.check_password(password)
    assert not any(map(person.check_password, (password.strip()[:72], password.lower(), password[:-1])))


@pytest.mark.parametrize("address", ["/admin/login/", "/admin/password_change/", "/admin/auth/user/{}/password/"])
def test_fields_for_passwords_are_masked_and_known_to_password_managers(sign_in: SignIn, address: str) -> None:
    other = User.objects.create_user("other")
    client = Client() if "login" in address else sign_in("auth.view_user", "auth.change_user")
    fields = Page.get(client, address.format(other.pk)).all(
        'input[name*="password"]:not([type=radio]):not([type=submit])'
    )
    assert fields
    assert {field.get("type") for field in fields} == {"password"}
    assert {field.get("autocomplete") for field in fields} <= {"current-password", "new-password"}
