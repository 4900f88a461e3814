from typing import Any

from django.contrib.admin.models import LogEntry
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver

from healthtrack.accounts.admin_site import SignInSite
from healthtrack.audit.access_recorder import saw

MOST_ACTIONS = 10


class HealthTrackSite(SignInSite):
    site_header = "HealthTrack"
    site_title = "HealthTrack"
    index_title = "Administration"
    site_url = None  # the administration is the site
    enable_nav_sidebar = False

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Without the address that leads to an object's page elsewhere: no object here has one."""
        return [pattern for pattern in super().get_urls() if getattr(pattern, "name", None) != "view_on_site"]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Shows what its reader did last, by patients' numbers."""
        own = LogEntry.objects.filter(user=request.user.pk, content_type__model="medicalrecord")
        saw(str(number) for number in own.order_by("-action_time").values_list("object_id", flat=True)[:MOST_ACTIONS])
        return super().index(request, extra_context)
