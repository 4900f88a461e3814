from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "healthtrack.core"
    verbose_name = "Core"
