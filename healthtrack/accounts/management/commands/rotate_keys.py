from django.core.management.base import CommandError

from healthtrack.accounts.sign_in import key_rotation
from healthtrack.audit.actor import AttributedCommand


class Command(AttributedCommand):
    help = (
        "Encrypt the keys of all authenticator apps with the first key in HEALTHTRACK_TOTP_KEYS, also those that are"
        " not encrypted yet. Afterwards the other keys there are no longer needed. After the update from 0.1.0 it also"
        " stores on which secret key the recovery codes depend."
    )

    def handle(self, **_: object) -> None:
        rotation = key_rotation.rotate()
        self.stdout.write(
            f"Keys of authenticator apps: {rotation.encrypted} encrypted with the newest key,"
            f" {rotation.unchanged} were so already."
        )
        if rotation.unreadable:
            raise CommandError(
                "No key in HEALTHTRACK_TOTP_KEYS decrypts the apps of these accounts:"
                f" {', '.join(rotation.unreadable)}. Add the key that encrypted them, or reset the two-factor"
                " authentication of these accounts."
            )
