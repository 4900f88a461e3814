"""Clients of signed-in people, and their second factor."""

import time
from binascii import unhexlify
from collections.abc import Callable

from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.support import factories

SignIn = Callable[..., Client]
AsRole = Callable[[str], Client]
PASSWORD = factories.DEFAULT_PASSWORD


def code(key: str) -> str:
    """Return the code that an authenticator app shows for a key."""
    totp = TOTP(unhexlify(key))
    totp.time = time.time()
    return f"{totp.token():06}"


def enrol_app(person: User) -> TOTPDevice:
    """Set up an authenticator app for the person."""
    device: TOTPDevice = TOTPDevice.objects.create(user=person, name="app")
    return device


def client_for(person: User) -> Client:
    """Return a client in which the person is signed in."""
    client = Client()
    client.force_login(person)
    return client
