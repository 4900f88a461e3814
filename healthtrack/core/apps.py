from django.apps import AppConfig
from django.db.backends.signals import connection_created

from healthtrack.core.search_path import pin_search_path


class CoreConfig(AppConfig):
    name = "healthtrack.core"
    verbose_name = "Core"

    def ready(self) -> None:
        connection_created.connect(pin_search_path)
