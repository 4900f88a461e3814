from django.contrib.admin import AdminSite
from django.urls import URLPattern, URLResolver


class HealthTrackSite(AdminSite):
    site_header = "HealthTrack"
    site_title = "HealthTrack"
    index_title = "Home"
    site_url = None  # the administration is the site

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Without the address that leads to an object's page elsewhere: no object here has one."""
        return [pattern for pattern in super().get_urls() if getattr(pattern, "name", None) != "view_on_site"]

    enable_nav_sidebar = False
