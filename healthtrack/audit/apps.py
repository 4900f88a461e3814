from django.apps import AppConfig
from django.db.backends.signals import connection_created

from healthtrack.audit.actor import add_actor_to_transactions
from healthtrack.audit.navigation import entries
from healthtrack.audit.registry import register_page_names
from healthtrack.core import navigation

PAGE_NAMES = {"accesses": "Viewed the access log", "changes": "Viewed the activity log"}


class AuditConfig(AppConfig):
    name = "healthtrack.audit"
    label = "audit"
    verbose_name = "History"

    def ready(self) -> None:
        navigation.register(entries)
        register_page_names(lambda: PAGE_NAMES)
        connection_created.connect(add_actor_to_transactions)
