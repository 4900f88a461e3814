from django.apps import AppConfig, apps
from django.contrib import admin
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
# The page of an import tells of its jobs in people's words, and the page of a second factor shows its key.
WITHOUT_PAGES = ("procrastinate.ProcrastinateJob", "otp_totp.TOTPDevice")
PAGE_NAMES = {"admin:index": "Read their own latest changes"}


class HealthTrackConfig(AppConfig):
    name = "healthtrack"
    verbose_name = "HealthTrack"

    def ready(self) -> None:
        arrange(*SECTIONS)
        register_page_names(lambda: PAGE_NAMES)


class HealthTrackAdminConfig(AdminConfig):
    default_site = "healthtrack.site.HealthTrackSite"

    def ready(self) -> None:
        super().ready()  # registers the pages of all apps
        admin.site.unregister([apps.get_model(name) for name in WITHOUT_PAGES])
