"""Replace the keys that encrypt those of authenticator apps, and find apps whose key is lost."""

from dataclasses import dataclass

from django.db import transaction

from healthtrack.accounts import app_keys
from healthtrack.accounts.models import AuthenticatorApp, RecoveryCodes
from healthtrack.accounts.recovery_digests import UNKNOWN_KEY, get_key_id

BATCH_ROWS = 1000


@dataclass(frozen=True)
class Rotation:
    """How many keys of apps were encrypted again, how many were encrypted with the newest key, and whose are lost."""

    encrypted: int
    unchanged: int
    unreadable: list[str]


def rotate() -> Rotation:
    """Encrypt the keys of all apps with the newest key of HEALTHTRACK_TOTP_KEYS, also those that are not encrypted.

    After the update from 0.1.0, also store on which secret key the recovery codes depend: the present one.
    """
    old, unchanged, unreadable = [], 0, []
    with transaction.atomic():
        if (unmarked := RecoveryCodes.objects.filter(secret_key_id=UNKNOWN_KEY)).exists():
            unmarked.update(secret_key_id=get_key_id())
        # A sign-in locks the row too, so neither overwrites what the other one writes.
        for app in AuthenticatorApp.objects.select_for_update(of=("self",)).select_related("user").order_by("pk"):
            if app.is_unreadable:
                unreadable.append(app.user.get_username())
            elif app_keys.is_newest(app.key, app.user_id):
                unchanged += 1
            else:
                app.key = app_keys.encrypt(app.bin_key, app.user_id)
                old.append(app)
        AuthenticatorApp.objects.bulk_update(old, ["key"], batch_size=BATCH_ROWS)
    return Rotation(len(old), unchanged, unreadable)


def describe_problems() -> list[str]:
    """Return a sentence for each problem with the keys of apps in the database: plain ones, and unreadable ones."""
    apps = list(AuthenticatorApp.objects.only("key", "user_id"))
    plain = sum(not app_keys.is_encrypted(app.key) for app in apps)
    unreadable = sum(app.is_unreadable for app in apps)
    sentences = []
    if plain:
        sentences.append(
            f"The keys of {plain} authenticator app{'s' * (plain > 1)} are not encrypted. Run `manage.py rotate_keys`."
        )
    if unreadable:
        sentences.append(
            f"The keys of {unreadable} authenticator app{'s' * (unreadable > 1)} cannot be decrypted, so their owners"
            " cannot sign in with a code from the app. Add the key that encrypted them to HEALTHTRACK_TOTP_KEYS. If it"
            " is lost, reset the two-factor authentication of these accounts, of the last administrator with"
            " `manage.py reset_second_factor USERNAME`; `manage.py rotate_keys` names them."
        )
    return sentences
