from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import AdminConfig


class HealthTrackConfig(AppConfig):
    name = "healthtrack"
    verbose_name = "HealthTrack"


class HealthTrackAdminConfig(AdminConfig):
    default_site = "healthtrack.site.HealthTrackSite"

    def ready(self) -> None:
        """Register the pages of all apps, and take those off again that nobody is to see."""
        super().ready()
        from django_otp.plugins.otp_totp.models import TOTPDevice  # noqa: PLC0415  (models are only ready here)
        from procrastinate.contrib.django.models import ProcrastinateJob  # noqa: PLC0415  (likewise)

        # A second factor's page shows its key; the page of an import says what its jobs do.
        admin.site.unregister([TOTPDevice, ProcrastinateJob])
