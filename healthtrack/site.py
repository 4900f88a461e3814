from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, reverse


class HealthTrackSite(AdminSite):
    site_header = "HealthTrack"
    site_title = "HealthTrack"
    index_title = "Administration"
    site_url = None  # the administration is the site

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Without the address that leads to an object's page elsewhere: no object here has one."""
        return [pattern for pattern in super().get_urls() if getattr(pattern, "name", None) != "view_on_site"]

    enable_nav_sidebar = False

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Leads to the front page who asked for no other, and not to the administration."""
        context = extra_context or {}
        if REDIRECT_FIELD_NAME not in request.GET and REDIRECT_FIELD_NAME not in request.POST:
            context = {REDIRECT_FIELD_NAME: reverse("home"), **context}
        return super().login(request, context)
