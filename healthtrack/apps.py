import gc
from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks

from healthtrack.audit.registry import register_page_names
from healthtrack.core.navigation import Section, arrange

SECTIONS = (
    Section("Home", page="home"),
    Section("Records"),
    Section("Trackers"),
    Section("Imports"),
    Section("Reports", page="reports:index"),
    Section("Administration", page="admin:index"),
)
PAGE_NAMES = {"admin:index": "Read their own latest changes"}


class HealthTrackConfig(AppConfig):
    name = "healthtrack"
    verbose_name = "HealthTrack"

    def ready(self) -> None:
        gc.freeze()  # the modules and classes stay; a collection need not look at them
        gc.enable()  # manage.py has switched it off
        arrange(*SECTIONS)
        register_page_names(lambda: PAGE_NAMES)


class HealthTrackAdminConfig(SimpleAdminConfig):
    """Leave the admin modules of the apps to `HealthTrackSite`, which imports them when a page needs them.

    They bring most of what HealthTrack imports, and a command that shows no page needs none of it.
    """

    default_site = "healthtrack.site.HealthTrackSite"

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(_check_admins, checks.Tags.admin)


def _check_admins(*, app_configs: Any, **options: Any) -> list[checks.CheckMessage]:
    admin.site.import_admins()  # type: ignore[attr-defined]  # the site is ours
    found: list[checks.CheckMessage] = check_admin_app(app_configs, **options)
    return found
