from typing import Any

from django.apps import AppConfig
from django.db.models.signals import pre_migrate

from healthtrack.core import attention, navigation
from healthtrack.operations.navigation import entries


def refuse_unsafe_migration(**_: Any) -> None:
    """Refuse to migrate while the tables are in another schema, or if a schema has the name of the role."""
    from healthtrack.core.database.search_path import refuse_namesake_schema  # noqa: PLC0415  (only migrations need both)
    from healthtrack.operations.backups.setting_aside import refuse_if_interrupted  # noqa: PLC0415  (as above)

    refuse_namesake_schema()
    refuse_if_interrupted()


class OperationsConfig(AppConfig):
    name = "healthtrack.operations"
    verbose_name = "Operations"

    def ready(self) -> None:
        from healthtrack.operations import checks  # noqa: F401, PLC0415  (registers the checks)

        navigation.register(entries)
        attention.register("healthtrack.operations.attention.SOURCES")
        pre_migrate.connect(refuse_unsafe_migration, sender=self)
