from django.apps import AppConfig


class ReadingsConfig(AppConfig):
    name = "readings"
    verbose_name = "Readings"

    def ready(self) -> None:
        from healthtrack.imports import registry  # noqa: PLC0415  (models are only ready here)
        from patients import follows  # noqa: PLC0415  (models are only ready here)
        from readings.parts import AssignmentsAndConsents, Readings  # noqa: PLC0415  (models are only ready here)

        follows.register(AssignmentsAndConsents())
        follows.register(Readings())
        registry.register("readings.reading", "readings.importing.importer.readings")
