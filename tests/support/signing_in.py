"""Clients of signed-in people, and their second factor."""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client
from django_otp.oath import TOTP

from healthtrack.accounts import app_keys
from healthtrack.accounts.models import AuthenticatorApp
from healthtrack.accounts.sign_in.sessions import SessionStore
from tests.support import factories

SignIn = Callable[..., Client]
AsRole = Callable[[str], Client]
PASSWORD = factories.DEFAULT_PASSWORD
BACKEND = "django.contrib.auth.backends.ModelBackend"  # of people who sign in with a password


def code(key: str) -> str:
    """Return the code that an authenticator app shows for a key, as the database or a session stores it."""
    totp = TOTP(decrypted(key))
    totp.time = time.time()
    return f"{totp.token():06}"


def decrypted(key: str) -> bytes:
    """Return the key of an app, whosever it is."""
    if not app_keys.is_encrypted(key):
        return bytes.fromhex(key)
    for person in User.objects.all():
        with suppress(app_keys.UnreadableKeyError):
            return app_keys.decrypt(key, person.pk)
    raise AssertionError(key)


def enrol_app(person: User) -> AuthenticatorApp:
    """Set up an authenticator app for the person."""
    return AuthenticatorApp.enrol(person, secrets.token_bytes(20))


def client_for(person: User) -> Client:
    """Return a client in which the person is signed in.

    Django's `force_login` stores a session for nobody before, which takes a third of its queries.
    """
    request = HttpRequest()
    request.session = SessionStore()
    login(request, person, BACKEND)
    request.session.save()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(request.session.session_key)
    return client
