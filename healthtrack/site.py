from django.contrib.admin import AdminSite


class HealthTrackSite(AdminSite):
    site_header = "HealthTrack"
    site_title = "HealthTrack"
    index_title = "Home"
    site_url = None  # the administration is the site
    enable_nav_sidebar = False
