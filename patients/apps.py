from django.apps import AppConfig


class PatientsConfig(AppConfig):
    name = "patients"
    verbose_name = "Records"

    def ready(self) -> None:
        from patients import signals  # noqa: F401, PLC0415  (connects the receivers, once the models are there)
