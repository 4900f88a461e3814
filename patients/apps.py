from django.apps import AppConfig


class PatientsConfig(AppConfig):
    name = "patients"
    verbose_name = "Records"

    def ready(self) -> None:
        from healthtrack.imports import registry  # noqa: PLC0415  (models are only ready here)
        from patients import signals  # noqa: F401, PLC0415  (connects the receivers, once the models are there)

        registry.register("patients.medicalrecord", "patients.importers.medical_records")
