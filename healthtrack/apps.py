from django.contrib.admin.apps import AdminConfig


class HealthTrackAdminConfig(AdminConfig):
    default_site = "healthtrack.site.HealthTrackSite"
