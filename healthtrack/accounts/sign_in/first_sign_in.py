"""Issue sign-in links, and sign in with one."""

import secrets
from typing import cast

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime

from healthtrack.accounts import mail
from healthtrack.accounts.event_recorder import record
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.accounts.sign_in_links import LIFETIME, SignInLink, find_usable, make_digest
from healthtrack.audit.actor import acting_as

BACKEND = "django.contrib.auth.backends.ModelBackend"
MAIL = """\
Hello {name},

{issuer} created an account for you in HealthTrack. Open this link to set your password and sign in:

{link}

The link works once, until {until}. Nobody at HealthTrack will ask you for it: do not pass it on.
Your user name is {username}.
"""


def issue(request: HttpRequest, account: User) -> str:
    """Issue a sign-in link for an account that has never signed in, and return it; earlier links of it end."""
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    link = {
        "digest": make_digest(token),
        "issued_by": request.user,
        "issued_at": now,
        "expires_at": now + LIFETIME,
    }
    with transaction.atomic():
        SignInLink.objects.update_or_create(account=account, defaults=link)
        record(request, Kind.LINK_ISSUED, account)
    return request.build_absolute_uri(reverse("sign-in:link", args=[token]))


def send_link(request: HttpRequest, account: User, link: str) -> bool:
    """Mail the link to the account, and return whether the mail server took it."""
    issuer = cast("User", request.user)
    text = MAIL.format(
        name=account.get_full_name() or account.get_username(),
        issuer=issuer.get_full_name() or issuer.get_username(),
        link=link,
        until=date_format(localtime(account.sign_in_link.expires_at), "DATETIME_FORMAT"),
        username=account.get_username(),
    )
    return mail.send(account, "sign-in link", "Your account in HealthTrack", text)


def use(request: HttpRequest, token: str, password: str) -> bool:
    """Set the password of the account, and sign it in; return False if the link no longer works."""
    with transaction.atomic():
        link = find_usable(token).select_for_update(of=("self",)).select_related("account").first()
        if link is None:
            return False
        with acting_as(link.account_id, request=request.id):  # type: ignore[attr-defined]  # our own attribute of requests
            account = link.account
            link.delete()
            account.set_password(password)
            account.save(update_fields=["password"])
            record(request, Kind.LINK_USED, account)
            login(request, account, backend=BACKEND)
    return True
