from django.apps import AppConfig
from django.db.backends.signals import connection_created

from healthtrack.core.database import search_path, timeouts, transaction_settings


class CoreConfig(AppConfig):
    name = "healthtrack.core"
    verbose_name = "Core"

    def ready(self) -> None:
        connection_created.connect(search_path.pin_search_path)
        connection_created.connect(transaction_settings.add_to_connection)
        transaction_settings.register(search_path.get_transaction_settings)
        transaction_settings.register(timeouts.get_transaction_settings)
