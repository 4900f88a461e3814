"""The admin site, which contains all pages of the administration."""

from typing import Any

from django.apps import apps
from django.contrib.admin import ModelAdmin, autodiscover
from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver

from healthtrack.accounts.admin_site import SignInSite
from healthtrack.audit.access_recorder import record_patient_access

MAX_ACTIONS = 10
# The page of an import describes its jobs in plain words, and Django's page of a TOTP device would show its key.
UNREGISTERED_MODELS = ("procrastinate.ProcrastinateJob", "otp_totp.TOTPDevice")


class HealthTrackSite(SignInSite):
    site_header = "HealthTrack"
    site_title = "HealthTrack"
    index_title = "Administration"
    site_url = None  # the administration is the site
    enable_nav_sidebar = False

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.has_admins = False

    def import_admins(self) -> None:
        """Import the admin modules of the apps, once, and unregister the models that get no page."""
        if not self.has_admins:
            autodiscover()
            self.unregister([apps.get_model(name) for name in UNREGISTERED_MODELS])
            self.has_admins = True

    def get_model_admin(self, model: type[Model]) -> ModelAdmin[Any]:
        self.import_admins()
        return super().get_model_admin(model)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the URLs of the admin without “view on site”, because no object has a page outside of the admin."""
        self.import_admins()
        return [pattern for pattern in super().get_urls() if getattr(pattern, "name", None) != "view_on_site"]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show the latest actions of the person, which name patients by number: record these in the access log."""
        own = LogEntry.objects.filter(user=request.user.pk, content_type__model="medicalrecord")
        record_patient_access(
            str(number) for number in own.order_by("-action_time").values_list("object_id", flat=True)[:MAX_ACTIONS]
        )
        return super().index(request, extra_context)
