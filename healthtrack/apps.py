from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class HealthTrackConfig(AppConfig):
    name = "healthtrack"
    verbose_name = "HealthTrack"


class HealthTrackAdminConfig(AdminConfig):
    default_site = "healthtrack.site.HealthTrackSite"
