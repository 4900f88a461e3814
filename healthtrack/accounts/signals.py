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
def begin(request: HttpRequest, user: User, **_: Any) -> None:
    SessionStore.clear_expired()
    request.session[BEGAN] = time.time()
    request.session[ADDRESS] = client_address(request) or None
    request.session[second_factor.OWED] = second_factor.is_enrolled(user)


@receiver(user_login_failed)
def count(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    # What was refused unheard says nothing of the account, and must not lock it for its owner elsewhere.
    if request and not getattr(request, "axes_locked_out", False):
        limits.FAILED_FROM.use(lockout.address(request))
        limits.FAILED_AS.use(lockout.name(request, credentials))


@receiver(pre_save, sender=AccessAttempt)
def forget_what_was_sent(instance: AccessAttempt, **_: Any) -> None:
    """A password may have been typed for a name, and the page asked for may name a patient."""
    instance.get_data = instance.post_data = instance.http_accept = ""
