"""Sign-in links: single-use addresses with which new people sign in for the first time, and set their password.

Only the digest of a link is stored, and an account has one link at most. A trigger refuses links for accounts that have
signed in. Others end the link of an account whose sign-in or rights change: whoever issued the link had all rights that
the account had at that time, and must not get more by it.
"""

import hashlib
from datetime import timedelta

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Q, QuerySet, UniqueConstraint
from django.utils import timezone

from healthtrack.accounts.recorded_tables import USER
from healthtrack.audit.recording import WITHOUT_VALUE, Recording
from healthtrack.audit.triggers import history_as

LIFETIME = timedelta(hours=72)
_NAME_OF_ACCOUNT = "(SELECT username FROM auth_user WHERE id = {account_id})"


class OnlyBeforeFirstSignIn(pgtrigger.Trigger):
    """Refuse a link for an account that has signed in."""

    name = "only_before_first_sign_in"
    level = pgtrigger.Row
    when = pgtrigger.Before
    operation = pgtrigger.Insert | pgtrigger.Update
    func = """
        IF EXISTS (SELECT FROM auth_user WHERE id = NEW.account_id AND last_login IS NOT NULL) THEN
            RAISE check_violation USING MESSAGE = 'Sign-in links are only for accounts that have never signed in.';
        END IF;
        RETURN NEW;
    """


class SignInLink(models.Model):
    """The sign-in link of an account that has never signed in. Its use deletes the row; the history has it still."""

    account = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.PROTECT,
        related_name="sign_in_link",
        db_comment="Account that signs in with the link",
    )
    digest = models.CharField(max_length=64, db_comment="SHA-256 of the secret part of the link")
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_comment="Who issued the link",
    )
    issued_at = models.DateTimeField(db_comment="When it was issued")
    expires_at = models.DateTimeField(db_comment="Until when it can be used")

    class Meta:
        db_table = "sign_in_links"
        db_table_comment = "Single-use links for the first sign-in of accounts; what is used or ended is deleted"
        default_permissions = ()
        verbose_name = "sign-in link of user"
        verbose_name_plural = "sign-in links of users"
        constraints = [
            UniqueConstraint(fields=["digest"], name="sign_in_links_digest"),
            CheckConstraint(
                name="sign_in_links_72_hours_at_most", condition=Q(expires_at__lte=F("issued_at") + LIFETIME)
            ),
        ]
        triggers = [
            OnlyBeforeFirstSignIn(),
            *history_as(
                Recording(
                    USER,
                    "account_id",
                    _NAME_OF_ACCOUNT,
                    {"expires_at": "{}", "digest": WITHOUT_VALUE},
                    {"expires_at": "Valid until", "digest": "Secret part"},
                )
            ),
        ]

    def __str__(self) -> str:
        return f"Sign-in link of {self.account_id}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


def make_digest(token: str) -> str:
    """Return the digest of the secret part of a link. It has 256 bits, so the digest needs no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_usable(token: str) -> QuerySet[SignInLink]:
    """Return the link with this secret part, if its account can sign in with it now."""
    usable = SignInLink.objects.filter(expires_at__gt=timezone.now(), account__is_active=True, account__is_staff=True)
    return usable.filter(digest=make_digest(token), account__last_login=None)
