from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate

from healthtrack.core import navigation
from healthtrack.roles.checks import check_place_among_apps
from healthtrack.roles.navigation import entries


def bring_groups_in_line(**_: Any) -> None:
    from healthtrack.roles.groups import bring_in_line  # noqa: PLC0415  (needs the models; only migrations need it)

    bring_in_line()


class RolesConfig(AppConfig):
    name = "healthtrack.roles"
    verbose_name = "Roles"

    def ready(self) -> None:
        # The turn of this app is the last: by then the permissions of all others are there.
        post_migrate.connect(bring_groups_in_line, sender=self)
        register(check_place_among_apps)
        navigation.register(entries)
