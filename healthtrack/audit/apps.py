from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from pgtrigger.apps import PGTriggerConfig, patch_migrations, patch_schema_editor
from pgtrigger.registry import _registry as registry

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


class TriggersConfig(PGTriggerConfig):
    """Register the triggers of all models at once.

    pgtrigger compares each trigger with all those before it, which takes 15 ms of every start.
    """

    def ready(self) -> None:
        patch_migrations()
        patch_schema_editor()
        triggers = [(each, model) for model in apps.get_models() for each in getattr(model._meta, "triggers", ())]
        for names in (
            {trigger.get_pgid(model) for trigger, model in triggers},
            {(model._meta.db_table, trigger.name) for trigger, model in triggers},
        ):
            if len(names) < len(triggers):
                raise ImproperlyConfigured("Two triggers, or the functions of two triggers, have the same name.")
        registry.data.update({trigger.get_uri(model): (model, trigger) for trigger, model in triggers})
