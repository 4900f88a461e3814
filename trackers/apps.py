from django.apps import AppConfig

from healthtrack.core import navigation
from healthtrack.core.help import register_help
from healthtrack.core.replicas import routing as replicas
from trackers.help import HELP
from trackers.navigation import entries

LISTS = ("admin:trackers_trackermodel_changelist", "admin:trackers_fitnesstracker_changelist")


class TrackersConfig(AppConfig):
    name = "trackers"
    verbose_name = "Trackers"

    def ready(self) -> None:
        from healthtrack.imports import registry  # noqa: PLC0415  (models are only ready here)
        from trackers import signals  # noqa: F401, PLC0415  (connects the receivers; models are only ready here)

        navigation.register(entries)
        register_help(*HELP)
        replicas.register("trackers", lambda: LISTS)
        registry.register("trackers.fitnesstracker", "trackers.importers.fitness_trackers")
        registry.register("trackers.trackermodel", "trackers.importers.tracker_models")
