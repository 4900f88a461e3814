"""The admin site, which contains all pages of the administration."""

from typing import Any

from django.apps import apps
from django.contrib.admin import ModelAdmin, autodiscover
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver

from healthtrack.accounts.pages.admin_site import SignInSite
from healthtrack.core.navigation import get_section_address

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

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]  # a redirect is not a template
        """Redirect to the first page of the administration that the person may open, otherwise to Home.

        Django's page repeats what the navigation offers.
        """
        return redirect(get_section_address(request.user, "Administration") or "home")

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return no apps: no page lists them, and to find which of their models a person may view takes time."""
        return []

    def app_index(  # type: ignore[override]  # a redirect is not a template
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self.index(request)
