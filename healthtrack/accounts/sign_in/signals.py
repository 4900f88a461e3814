"""What happens when somebody signs in, signs out or fails to, wherever Django or django-axes notices it."""

import time
from typing import Any

from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest

from healthtrack.accounts import limits
from healthtrack.accounts.event_recorder import record
from healthtrack.accounts.security_resets import MUST_SET_PASSWORD, get_resets
from healthtrack.accounts.sign_in import second_factor
from healthtrack.accounts.sign_in.browsers import describe_browser
from healthtrack.accounts.sign_in.sessions import ADDRESS, BEGAN, BROWSER, SessionStore
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.accounts.typed_names import digest, get_typed_name
from healthtrack.core.client_address import client_address, client_network
from healthtrack.core.help_views import OFFERED_TOUR


@receiver(user_logged_in)
def start_session(request: HttpRequest, user: User, **_: Any) -> None:
    """Store in the session when, from where and in which browser the person signed in, and if for the first time."""
    SessionStore.clear_expired()
    request.session[BEGAN] = time.time()
    request.session[ADDRESS] = client_address(request) or None
    request.session[BROWSER] = describe_browser(request.headers.get("User-Agent", ""))
    request.session[second_factor.OWED] = second_factor.is_enrolled(user)
    request.session[MUST_SET_PASSWORD] = get_resets(user).exists()
    if not user.last_login:  # Django sets it after this, because its app comes after ours
        request.session[OFFERED_TOUR] = True
    is_incomplete = second_factor.is_part_of_sign_in(request)
    record(request, Kind.PASSWORD_ACCEPTED if is_incomplete else Kind.SIGNED_IN, user)


@receiver(user_logged_out)
def record_sign_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    """Record that a person, or the program after a timeout, ended the session of this request."""
    if user:
        record(request, getattr(request, "sign_out_kind", Kind.SIGNED_OUT), user)


@receiver(user_login_failed)
def count_failure(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Record a failed sign-in, and count it for the rate limits by address and by user name."""
    # During a lock-out no password is checked. If these attempts counted, they would lock the owner out elsewhere.
    if request and not getattr(request, "axes_locked_out", False):
        name = get_typed_name(request, credentials)
        record(request, Kind.WRONG_PASSWORD, typed_name=name)
        limits.FAILURES_FROM_ADDRESS.use(client_network(request))
        limits.FAILURES_FOR_NAME.use(digest(name))


@receiver(pre_save, sender=AccessAttempt)
def clear_request_data(instance: AccessAttempt, **_: Any) -> None:
    """Remove what was sent: a form may contain a password in the name field, and an address may name a patient."""
    instance.get_data = instance.post_data = instance.http_accept = ""
