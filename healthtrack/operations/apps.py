from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "healthtrack.operations"
    verbose_name = "Operations"
