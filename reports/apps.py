from django.apps import AppConfig
from django.db.models.signals import post_migrate

from healthtrack.audit.registry import register_page_names
from healthtrack.core import navigation
from healthtrack.core.help import register_help
from healthtrack.core.replicas import routing as replicas
from healthtrack.roles.table import register_permissions
from reports import contributions
from reports.help import HELP


class ReportsConfig(AppConfig):
    name = "reports"
    verbose_name = "Reports"

    def ready(self) -> None:
        navigation.register(contributions.navigation_entries)
        register_help(*HELP)
        register_page_names(contributions.page_names)
        replicas.register("reports", contributions.pages_of_replicas)
        register_permissions(contributions.permissions)
        post_migrate.connect(contributions.create_permissions, sender=self)
