from django.apps import AppConfig


class TrackersConfig(AppConfig):
    name = "trackers"
    verbose_name = "Trackers"

    def ready(self) -> None:
        from trackers import signals  # noqa: F401, PLC0415  (connects the receivers; models are only ready here)
