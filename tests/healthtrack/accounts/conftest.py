import time
from binascii import unhexlify

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.support import factories

PASSWORD = factories.DEFAULT_PASSWORD


def code(key: str) -> str:
    """What an app shows for a key."""
    totp = TOTP(unhexlify(key))
    totp.time = time.time()
    return f"{totp.token():06}"


def enrolled(person: User) -> TOTPDevice:
    device: TOTPDevice = TOTPDevice.objects.create(user=person, name="app")
    return device


@pytest.fixture
def second_factor_needed(settings: LazySettings) -> None:
    settings.SECOND_FACTOR = True


@pytest.fixture
def keeper(db: None) -> User:
    return factories.staff("patients.view_medicalrecord", username="keeper")


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client
