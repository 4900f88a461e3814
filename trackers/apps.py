from django.apps import AppConfig

from healthtrack.core import navigation
from trackers.navigation import entries


class TrackersConfig(AppConfig):
    name = "trackers"
    verbose_name = "Trackers"

    def ready(self) -> None:
        navigation.register(entries)
