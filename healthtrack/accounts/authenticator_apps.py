"""The authenticator apps of accounts, whose keys are encrypted in the database."""

from typing import Self

from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django_otp.plugins.otp_totp.models import TOTPDevice

from healthtrack.accounts import app_keys
from healthtrack.accounts.app_keys import UnreadableKeyError


class AuthenticatorApp(TOTPDevice):
    """An app that shows codes of six digits. Its field `key` holds the key encrypted, `bin_key` decrypts it."""

    class Meta:
        proxy = True
        default_permissions = ()

    @classmethod
    def enrol(cls, user: User, key: bytes, step: int = -1) -> Self:
        """Store an app with this key. Its code of this time step is used up."""
        app = cls(user=user, name="app", key=app_keys.encrypt(key, user.pk), last_t=step)
        app.save()
        return app

    @property
    def bin_key(self) -> bytes:
        """Return the key. Raise UnreadableKeyError if no key of HEALTHTRACK_TOTP_KEYS decrypts it."""
        return app_keys.decrypt(self.key, self.user_id)

    @property
    def is_unreadable(self) -> bool:
        """Return whether no key of HEALTHTRACK_TOTP_KEYS decrypts the key."""
        try:
            self.bin_key  # noqa: B018  (raises)
        except (UnreadableKeyError, ImproperlyConfigured):  # the latter: there is no key at all
            return True
        return False
