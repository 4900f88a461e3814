from django.apps import AppConfig

from healthtrack.audit.actor import get_transaction_settings
from healthtrack.audit.help import HELP
from healthtrack.audit.navigation import entries
from healthtrack.audit.registry import register_page_names
from healthtrack.core import navigation
from healthtrack.core.database import transaction_settings
from healthtrack.core.help import register_help

PAGE_NAMES = {"accesses": "Viewed the access log", "changes": "Viewed the activity log"}


class AuditConfig(AppConfig):
    name = "healthtrack.audit"
    label = "audit"
    verbose_name = "History"

    def ready(self) -> None:
        navigation.register(entries)
        register_help(*HELP)
        register_page_names(lambda: PAGE_NAMES)
        transaction_settings.register(get_transaction_settings)
