from collections.abc import Callable

import pytest
from django.conf import LazySettings, settings
from django.test import Client

from tests import factories

SignIn = Callable[..., Client]


def pytest_configure() -> None:
    """Static files come from where they lie, as with DEBUG: tests want the present ones, and need no hashed names."""
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def quick_passwords(settings: LazySettings) -> None:
    """A password's hash is slow by design, and no test is about that."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """Signs in a member of the staff who holds the permissions given, and returns their browser."""

    def signed_in(*permissions: str) -> Client:
        client = Client()
        client.force_login(factories.staff(*permissions))
        return client

    return signed_in
