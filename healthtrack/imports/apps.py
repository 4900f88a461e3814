from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "healthtrack.imports"
    label = "imports"
    verbose_name = "Imports"
