from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "healthtrack.operations"
    verbose_name = "Operations"

    def ready(self) -> None:
        from healthtrack.operations import checks  # noqa: F401, PLC0415  (registers the checks)
