from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "healthtrack.imports"
    verbose_name = "Imports"
