"""The second factor: a code of six digits from an app, or one of the recovery codes."""

import time
from base64 import b32encode
from binascii import unhexlify
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import cast
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import django_otp
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from healthtrack.accounts.models import RecoveryCodes, Session

OWED = "owes_second_factor"
KEY_BYTES = 20
DIGITS = 6
TOLERANCE = 1  # steps of half a minute by which a phone's clock may be wrong
_ENROLLING = "enrolling"
_NOT_ASKED = "healthtrack.second_factor_not_asked"


def is_enrolled(user: User | AnonymousUser) -> bool:
    return TOTPDevice.objects.filter(user=user.pk, confirmed=True).exists()


def is_owed(request: HttpRequest) -> bool:
    """Whether the person has given a password and nothing else yet, where more is asked."""
    user = request.user
    if not user.is_authenticated or user.is_verified():  # type: ignore[attr-defined]  # by django-otp
        return False
    is_asked = settings.SECOND_FACTOR and _NOT_ASKED not in request.META
    return bool(is_asked or request.session.get(OWED))


def not_asked(application: WSGIApplication) -> WSGIApplication:
    """Wrap the application of a server that only its own machine can reach, so that a password is enough.

    No client can set this key: what a client sends has names that begin with HTTP_.
    """

    def served(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return application({**environ, _NOT_ASKED: True}, start_response)

    return served


@dataclass(frozen=True)
class Enrolment:
    """A key that an app is to take, kept in the session until a code proves that it did."""

    user: User
    key: str

    @classmethod
    def of(cls, request: HttpRequest) -> "Enrolment":
        key = request.session.get(_ENROLLING) or random_hex(KEY_BYTES)
        request.session[_ENROLLING] = key
        return cls(cast("User", request.user), key)

    @property
    def picture(self) -> str:
        import segno  # noqa: PLC0415  (every process imports this module, and only this picture needs the library)

        return segno.make_qr(TOTPDevice(user=self.user, key=self.key).config_url).svg_data_uri(scale=5, border=4)

    @property
    def words(self) -> str:
        """The key as it is typed."""
        letters = b32encode(unhexlify(self.key)).decode()
        return " ".join(letters[start : start + 4] for start in range(0, len(letters), 4))

    def finish(self, request: HttpRequest, code: str) -> list[str]:
        """The recovery codes of the new second factor; none, and all is as it was, when the code is not right."""
        totp = TOTP(unhexlify(self.key))
        totp.time = time.time()
        if not (_is_of_app(code) and totp.verify(int(code), TOLERANCE)):
            return []
        with transaction.atomic():
            TOTPDevice.objects.filter(user=self.user).delete()
            device = TOTPDevice.objects.create(user=self.user, name="app", key=self.key, last_t=totp.t())
            codes = RecoveryCodes.renew(self.user)
            Session.objects.filter(user=self.user).exclude(pk=request.session.session_key).delete()
        del request.session[_ENROLLING]
        _let_in(request, device)
        return codes


@dataclass(frozen=True)
class Answer:
    is_right: bool
    seconds_to_wait: int = 0


def check(request: HttpRequest, text: str) -> Answer:
    """Lets the person in when the code is right; after a wrong one the next has to wait, each time twice as long."""
    code = "".join(text.split())
    kind = TOTPDevice if _is_of_app(code) else RecoveryCodes
    with transaction.atomic():
        device = kind.objects.select_for_update().filter(user=request.user.pk, confirmed=True).first()
        if device is None:
            return Answer(is_right=False)
        allowed, reason = device.verify_is_allowed()
        if not allowed:
            return Answer(is_right=False, seconds_to_wait=_seconds_until(reason["locked_until"]))
        if not device.verify_token(code):
            return Answer(is_right=False)
    _let_in(request, device)
    return Answer(is_right=True)


def take_away(user: User) -> None:
    TOTPDevice.objects.filter(user=user).delete()
    RecoveryCodes.objects.filter(user=user).delete()
    Session.objects.filter(user=user).delete()


def _let_in(request: HttpRequest, device: TOTPDevice | RecoveryCodes) -> None:
    django_otp.login(request, device)
    request.session.cycle_key()


def _is_of_app(code: str) -> bool:
    return code.isascii() and code.isdecimal() and len(code) == DIGITS


def _seconds_until(moment: datetime) -> int:
    return max(1, ceil((moment - timezone.now()).total_seconds()))
