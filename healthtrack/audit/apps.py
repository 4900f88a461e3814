from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "healthtrack.audit"
    label = "audit"
    verbose_name = "History"
