from django.apps import AppConfig

from healthtrack.accounts.help import HELP
from healthtrack.accounts.navigation import entries
from healthtrack.core import navigation
from healthtrack.core.help import register_help


class AccountsConfig(AppConfig):
    name = "healthtrack.accounts"
    label = "signin"  # unchanged, because tables and permissions use it
    verbose_name = "Sign-in"

    def ready(self) -> None:
        from healthtrack.accounts.sign_in import signals  # noqa: F401, PLC0415  (its receivers need the models)

        navigation.register(entries)
        register_help(*HELP)
