from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from healthtrack.audit.registry import register_page_names
from healthtrack.core.navigation import Section, arrange

SECTIONS = (
    Section("Home", page="home"),
    Section("Records"),
    Section("Trackers"),
    Section("Imports"),
    Section("Reports", page="reports:index"),
    Section("Administration", page="admin:index"),
)
PAGE_NAMES = {"admin:index": "Read their own latest changes"}


class HealthTrackConfig(AppConfig):
    name = "healthtrack"
    verbose_name = "HealthTrack"

    def ready(self) -> None:
        arrange(*SECTIONS)
        register_page_names(lambda: PAGE_NAMES)


class HealthTrackAdminConfig(AdminConfig):
    default_site = "healthtrack.site.HealthTrackSite"
