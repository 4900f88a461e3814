from django.apps import AppConfig


class PatientsConfig(AppConfig):
    name = "patients"
    verbose_name = "Records"

    def ready(self) -> None:
        from healthtrack.imports import registry  # noqa: PLC0415  (models are only ready here)
        from patients import linking  # noqa: PLC0415  (models are only ready here)
        from trackers import model_hooks  # noqa: PLC0415  (models are only ready here)

        registry.register("patients.medicalrecord", "patients.importers.medical_records")
        model_hooks.register(
            model_hooks.ModelFollower(
                link=linking.link_waiting_patients,
                count_links=linking.count_waiting_patients,
                relink_names=linking.relink_names,
            )
        )
