"""The tables of accounts: sessions, recovery codes and counted uses. The others are beside what uses them."""

import secrets
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models import F
from django.utils.crypto import salted_hmac
from django_otp.models import Device, ThrottlingMixin

from healthtrack.accounts.authenticator_apps import AuthenticatorApp
from healthtrack.accounts.list_settings import ListSettings
from healthtrack.accounts.mail import Mail
from healthtrack.accounts.preferences import Preferences
from healthtrack.accounts.recorded_tables import NAME_OF_USER, USER
from healthtrack.accounts.recovery_digests import find_digest, is_lost_key, make_digest
from healthtrack.accounts.security_resets import SecurityReset
from healthtrack.accounts.session_facts import get_expressions
from healthtrack.accounts.sign_in_events import SignInEvent
from healthtrack.accounts.sign_in_links import SignInLink
from healthtrack.audit.actor import PERSON, setting
from healthtrack.audit.recording import Recording
from healthtrack.audit.triggers import history_as, history_of_deletions

__all__ = [
    "AuthenticatorApp",
    "ListSettings",
    "Mail",
    "Preferences",
    "RecoveryCodes",
    "SecurityReset",
    "Session",
    "SignInEvent",
    "SignInLink",
    "UseCount",
]

CODES = 10
CODE_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # without l, o, 0 and 1, which look alike
CODE_PARTS, PART_LETTERS = 6, 4  # 120 bits: a digest needs no slow hash to be safe


class SessionManager(BaseSessionManager["Session"]):
    def get(self, *args: Any, **kwargs: Any) -> "Session":
        """Return a session together with the preferences and facts of its person, which every page needs."""
        preferences = {name: F(f"user__preferences__{name}") for name in ("time_zone", "date_format")}
        return self.annotate(**preferences, **get_expressions()).get(*args, **kwargs)


class Session(AbstractBaseSession):
    """A browser in which somebody is signed in. Deleting the row signs it out."""

    session_key = models.CharField(max_length=40, primary_key=True, db_comment="Session key, as in the cookie")
    session_data = models.TextField(db_comment="Session data, signed")
    expire_date = models.DateTimeField(db_index=True, db_comment="When the session expires")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_comment="Who is signed in; null before the sign-in",
    )
    began_at = models.DateTimeField(db_comment="When the person signed in")
    active_at = models.DateTimeField(db_comment="When the person last requested a page, accurate to a few seconds")
    address = models.GenericIPAddressField(null=True, db_comment="Network address from which the person signed in")
    browser = models.CharField(
        max_length=50, blank=True, db_default="", db_comment="Browser and system that signed in, empty if unknown"
    )

    objects: ClassVar[SessionManager] = SessionManager()

    class Meta:
        db_table = "sessions"
        db_table_comment = "Browsers in which people are signed in"
        default_permissions = ()
        verbose_name = "session of user"
        verbose_name_plural = "sessions of users"
        # Only sessions that ended because of somebody else, and not by themselves.
        triggers = history_of_deletions(
            Recording(
                USER,
                "user_id",
                NAME_OF_USER,
                {"began_at": "{}", "address": "{}"},
                {"began_at": "Signed in", "address": "Network address"},
                condition=f"{{expire_date}} > now() AND {{user_id}} <> coalesce({setting(PERSON, 'integer')}, 0)",
            )
        )

    def __str__(self) -> str:
        return f"{self.user_id} since {self.began_at}"

    @property
    def public_id(self) -> str:
        """Return what identifies the session on a page, which must not show the key."""
        return salted_hmac("healthtrack.signin.session", self.session_key, algorithm="sha256").hexdigest()


class RecoveryCodes(ThrottlingMixin, Device):
    """Codes for signing in after the second factor was lost. Each works once. Only their digests are stored."""

    digests = ArrayField(
        models.CharField(max_length=64), default=list, db_comment="Digests of the codes that are not used yet"
    )
    secret_key_id = models.CharField(
        max_length=16,
        blank=True,
        db_default="",
        db_comment="Identifies the secret key on which the digests of a version before 0.2.0 depend; otherwise empty",
    )

    class Meta:
        db_table = "recovery_codes"
        db_table_comment = "Recovery codes for people who lost their second factor"
        default_permissions = ()
        verbose_name = "recovery codes of user"
        verbose_name_plural = "recovery codes of users"
        triggers = history_as(
            Recording(USER, "user_id", NAME_OF_USER, {"digests": "cardinality({})"}, {"digests": "Unused codes"})
        )

    @classmethod
    def renew(cls, user: User) -> list[str]:
        """Replace all codes of this user and return the new ones. They cannot be shown again."""
        codes = ["-".join(_part() for _ in range(CODE_PARTS)) for _ in range(CODES)]
        cls.objects.filter(user=user).delete()
        cls.objects.create(user=user, name="recovery codes", digests=[make_digest(user.pk, code) for code in codes])
        return codes

    def verify_token(self, token: str) -> bool:
        if not self.verify_is_allowed()[0]:
            return False
        digest = find_digest(self.user_id, token, self.digests)
        if digest is None:
            self.throttle_increment()
            return False
        self.digests.remove(digest)
        self.throttle_reset(commit=False)
        self.save()
        return True

    def get_throttle_factor(self) -> int:
        return 1

    @property
    def depend_on_lost_key(self) -> bool:
        """Return whether no code works, because neither the secret key nor a fallback is the one that they need."""
        return is_lost_key(self.secret_key_id)

    @property
    def usable_count(self) -> int:
        """Return how many codes still work."""
        return 0 if self.depend_on_lost_key else len(self.digests)


def _part() -> str:
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(PART_LETTERS))


class UseCount(models.Model):
    """How often somebody did something that has a rate limit."""

    pk = models.CompositePrimaryKey("what", "period")
    what = models.CharField(max_length=150, db_comment="What is counted, and for whom")
    period = models.DateTimeField(db_comment="When the period of the count began")
    uses = models.IntegerField(db_comment="Number of uses in the period")

    class Meta:
        db_table = "use_counts"
        db_table_comment = "Uses counted for rate limits; old rows are deleted"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.what}: {self.uses}"
