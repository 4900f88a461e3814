"""The second factor: a code of six digits from an app, or one of the recovery codes."""

import secrets
import time
from base64 import b32encode
from collections.abc import Iterable
from contextlib import suppress
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

from healthtrack.accounts import app_keys
from healthtrack.accounts.event_recorder import record
from healthtrack.accounts.limits import CODES_IN_KNOWN_BROWSER
from healthtrack.accounts.models import AuthenticatorApp, RecoveryCodes, Session
from healthtrack.accounts.sign_in import lockout
from healthtrack.accounts.sign_in_events import Kind

OWED = "owes_second_factor"
KEY_BYTES = 20
DIGITS = 6
TOLERANCE = 1  # how many steps of 30 seconds a phone's clock may be off
# The wait after a wrong code doubles up to 2 ** 9 seconds. Without an end, somebody who knows the password could make
# the owner wait for days.
MAX_COUNTED_FAILURES = 10
_ENROLLING = "enrolling"
_WAIVED = "healthtrack.second_factor_waived"


def is_enrolled(user: User | AnonymousUser) -> bool:
    """Return whether the person has set up an authenticator app."""
    return AuthenticatorApp.objects.filter(user=user.pk, confirmed=True).exists()


def is_required(request: HttpRequest) -> bool:
    """Return whether the person has given only the password, and must still give a code."""
    user = request.user
    if not user.is_authenticated or user.is_verified():  # type: ignore[attr-defined]  # by django-otp
        return False
    return is_part_of_sign_in(request)


def is_part_of_sign_in(request: HttpRequest) -> bool:
    """Return whether the sign-in of this session needs a code, given or not."""
    is_enabled = settings.SECOND_FACTOR and _WAIVED not in request.META
    return bool(is_enabled or request.session.get(OWED))


def waive_second_factor(application: WSGIApplication) -> WSGIApplication:
    """Wrap the application of a server that only its own machine can reach, so that the password is enough.

    No client can set this key of the WSGI environment: the keys of a client's headers begin with HTTP_.
    """

    def served(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return application({**environ, _WAIVED: True}, start_response)

    return served


@dataclass(frozen=True)
class Enrolment:
    """A key for an authenticator app, encrypted in the session until a code proves that the app has it."""

    user: User
    key: bytes

    @classmethod
    def from_session(cls, request: HttpRequest) -> "Enrolment":
        """Return the enrolment that was started in this session, or start one."""
        user = cast("User", request.user)
        if stored := request.session.get(_ENROLLING):
            with suppress(app_keys.UnreadableKeyError):  # of a session that began before the keys were replaced
                return cls(user, app_keys.decrypt(stored, user.pk))
        key = secrets.token_bytes(KEY_BYTES)
        request.session[_ENROLLING] = app_keys.encrypt(key, user.pk)
        return cls(user, key)

    @property
    def qr_code(self) -> str:
        """Return the key as a QR code, in a data: address of an SVG image."""
        import segno  # noqa: PLC0415  (every process imports this module, and only this image needs the library)

        return segno.make_qr(AuthenticatorApp(user=self.user, key=self.key.hex()).config_url).svg_data_uri(
            scale=5, border=4
        )

    @property
    def key_text(self) -> str:
        """Return the key as a person types it into an app: base 32, in groups of four."""
        letters = b32encode(self.key).decode()
        return " ".join(letters[start : start + 4] for start in range(0, len(letters), 4))

    def find_step(self, code: str) -> int | None:
        """Return the time step in which an app with this key shows the code; None if it does not show it now."""
        totp = TOTP(self.key)
        totp.time = time.time()
        return totp.t() if _is_app_code(code) and totp.verify(int(code), TOLERANCE) else None

    def confirm(self, request: HttpRequest, step: int) -> list[str]:
        """Enrol the app, whose code of this time step is used up, and return the new recovery codes."""
        with transaction.atomic():
            AuthenticatorApp.objects.filter(user=self.user).delete()
            device = AuthenticatorApp.enrol(self.user, self.key, step)
            codes = RecoveryCodes.renew(self.user)
            Session.objects.filter(user=self.user).exclude(pk=request.session.session_key).delete()
            record(request, Kind.ENROLLED, self.user)
        del request.session[_ENROLLING]
        _verify_session(request, device)
        return codes


@dataclass(frozen=True)
class CheckResult:
    is_valid: bool
    wait_seconds: int = 0


def check(request: HttpRequest, text: str) -> CheckResult:
    """Check a code and complete the sign-in if it is correct.

    After a wrong code the next attempt has to wait; the wait doubles with each wrong code, up to nine minutes. Wrong
    codes of others do not make a known browser wait. Raise UnreadableKeyError if the key of the app is lost.
    """
    code = "".join(text.split())
    user = cast("User", request.user)
    with transaction.atomic():
        device, wait_seconds = _use_code(request, user, code)
        if device is None:
            record(request, Kind.LOCKED_OUT if wait_seconds else Kind.WRONG_CODE, user)
            return CheckResult(is_valid=False, wait_seconds=wait_seconds)
        if isinstance(device, RecoveryCodes):
            record(request, Kind.RECOVERY_CODE_USED, user)
    _verify_session(request, device)
    return CheckResult(is_valid=True)


def reset(user: User, request: HttpRequest | None = None) -> None:
    """Reset the user's two-factor authentication: remove the app and the recovery codes, and end all sessions.

    The request is that of an administrator; a command has none.
    """
    with transaction.atomic():
        AuthenticatorApp.objects.filter(user=user).delete()
        RecoveryCodes.objects.filter(user=user).delete()
        Session.objects.filter(user=user).delete()
        record(request, Kind.RESET, user)


def _use_code(request: HttpRequest, user: User, code: str) -> tuple[AuthenticatorApp | RecoveryCodes | None, int]:
    """Return the user's device if the code is one of it and not used yet, otherwise None and the seconds to wait."""
    kind = AuthenticatorApp if _is_app_code(code) else RecoveryCodes
    device = kind.objects.select_for_update().filter(user=user, confirmed=True).first()
    if device is None:
        return None, 0
    device.throttling_failure_count = min(device.throttling_failure_count, MAX_COUNTED_FAILURES)
    if _may_skip_wait(request):
        device.throttling_failure_timestamp = None
    allowed, reason = device.verify_is_allowed()
    if not allowed:
        return None, _get_seconds_until(reason["locked_until"])
    return (device if device.verify_token(code) else None), 0


def _verify_session(request: HttpRequest, device: AuthenticatorApp | RecoveryCodes) -> None:
    """Store in the session that a code was given. The first one completes the sign-in."""
    if is_required(request):
        record(request, Kind.SIGNED_IN, cast("User", request.user))
    django_otp.login(request, device)
    request.session.cycle_key()


def _may_skip_wait(request: HttpRequest) -> bool:
    """Return whether this is a known browser, which may try a few codes whatever others tried before."""
    mark = lockout.get_browser_mark(request, request.user.get_username())
    return bool(mark) and CODES_IN_KNOWN_BROWSER.use(mark)


def _is_app_code(code: str) -> bool:
    return code.isascii() and code.isdecimal() and len(code) == DIGITS


def _get_seconds_until(moment: datetime) -> int:
    return max(1, ceil((moment - timezone.now()).total_seconds()))
