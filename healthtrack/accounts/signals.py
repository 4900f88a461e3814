import time
from typing import Any

from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest

from healthtrack.accounts import limits, lockout, second_factor
from healthtrack.accounts.sessions import ADDRESS, BEGAN, SessionStore
from healthtrack.core.client_address import client_address


@receiver(user_logged_in)
def start_session(request: HttpRequest, user: User, **_: Any) -> None:
    """Store in the session when and from where the person signed in."""
    SessionStore.clear_expired()
    request.session[BEGAN] = time.time()
    request.session[ADDRESS] = client_address(request) or None
    request.session[second_factor.OWED] = second_factor.is_enrolled(user)


@receiver(user_login_failed)
def count_failure(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Count a failed sign-in for the rate limits by address and by user name."""
    # During a lock-out no password is checked. If these attempts counted, they would lock the owner out elsewhere.
    if request and not getattr(request, "axes_locked_out", False):
        limits.FAILURES_FROM_ADDRESS.use(lockout.get_client_network(request))
        limits.FAILURES_FOR_NAME.use(lockout.get_name_digest(request, credentials))


@receiver(pre_save, sender=AccessAttempt)
def clear_request_data(instance: AccessAttempt, **_: Any) -> None:
    """Remove what was sent: a form may contain a password in the name field, and an address may name a patient."""
    instance.get_data = instance.post_data = instance.http_accept = ""
