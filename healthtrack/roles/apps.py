from django.apps import AppConfig
from django.db.models.signals import post_migrate

from healthtrack.core import navigation
from healthtrack.roles.navigation import entries


class RolesConfig(AppConfig):
    """Stands last among the apps: when its turn comes after a migration, the permissions of all others are there."""

    name = "healthtrack.roles"
    verbose_name = "Roles"

    def ready(self) -> None:
        from healthtrack.roles.groups import bring_in_line  # noqa: PLC0415  (needs the models)

        post_migrate.connect(bring_in_line, sender=self)
        navigation.register(entries)
