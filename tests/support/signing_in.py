"""People who are signed in, by a form or at once, and their second factor."""

import time
from binascii import unhexlify
from collections.abc import Callable

from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.support import factories

SignIn = Callable[..., Client]
PASSWORD = factories.DEFAULT_PASSWORD


def code(key: str) -> str:
    """What an app shows for a key."""
    totp = TOTP(unhexlify(key))
    totp.time = time.time()
    return f"{totp.token():06}"


def enrolled(person: User) -> TOTPDevice:
    device: TOTPDevice = TOTPDevice.objects.create(user=person, name="app")
    return device


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client
