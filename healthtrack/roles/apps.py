from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate

from healthtrack.core import attention, navigation
from healthtrack.core.help import register_help
from healthtrack.roles.checks import check_place_among_apps
from healthtrack.roles.help import HELP
from healthtrack.roles.navigation import entries


def update_groups(**_: Any) -> None:
    """Update the groups of the roles after a migration."""
    from healthtrack.roles.groups import update_role_groups  # noqa: PLC0415  (needs the models; only migrations need it)

    update_role_groups()


class RolesConfig(AppConfig):
    name = "healthtrack.roles"
    verbose_name = "Roles"

    def ready(self) -> None:
        # This app comes last, when all other apps have created their permissions.
        post_migrate.connect(update_groups, sender=self)
        register(check_place_among_apps)
        navigation.register(entries)
        register_help(*HELP)
        attention.register("healthtrack.roles.attention.SOURCES")
