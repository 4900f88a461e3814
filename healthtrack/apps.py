from typing import Any

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class HealthTrackConfig(AppConfig):
    name = "healthtrack"
    verbose_name = "HealthTrack"


class HealthTrackAdminConfig(SimpleAdminConfig):
    """Leave the admin modules of the apps to `HealthTrackSite`, which imports them when a page needs them.

    They bring most of what HealthTrack imports, and a command that shows no page needs none of it.
    """

    default_site = "healthtrack.site.HealthTrackSite"

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(_check_admins, checks.Tags.admin)


def _check_admins(*, app_configs: Any, **options: Any) -> list[checks.CheckMessage]:
    from django.contrib import admin  # noqa: PLC0415  (its site needs the apps)

    admin.autodiscover()
    found: list[checks.CheckMessage] = check_admin_app(app_configs, **options)
    return found
