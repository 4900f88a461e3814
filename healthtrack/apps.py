"""Start the project: the order of the navigation, and the admin site."""

import gc
from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks

from healthtrack.core.help import HelpSection, register_help
from healthtrack.core.navigation import Section, set_sections

SECTIONS = (
    Section("Home", page="home"),
    Section("Records"),
    Section("Trackers"),
    Section("Imports"),
    Section("Reports", page="reports:index"),
    Section("Administration"),
)
# How many objects must be new before garbage is collected. Python's 700 suit small programs: a page creates thousands.
MIN_NEW_OBJECTS = 10_000
HELP = (
    HelpSection("start", "Find your way around", 10, ("home", "*-task*", "help*"), "menu theme shortcut tour"),
    HelpSection(
        "administration",
        "Administration",
        200,
        ("admin:index", "admin:app_list", "admin:operations_*", "system-status", "record-drill"),
        "backup worker disk status",
    ),
)


class HealthTrackConfig(AppConfig):
    name = "healthtrack"
    verbose_name = "HealthTrack"

    def ready(self) -> None:
        gc.freeze()  # modules and classes are never garbage; a collection can skip them
        gc.set_threshold(MIN_NEW_OBJECTS)
        gc.enable()  # manage.py has switched it off
        set_sections(*SECTIONS)
        register_help(*HELP)


class HealthTrackAdminConfig(SimpleAdminConfig):
    """Leave the admin modules of the apps to `HealthTrackSite`, which imports them when a page needs them.

    They import most of the code, and commands that show no page need none of it.
    """

    default_site = "healthtrack.site.HealthTrackSite"

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(_check_admins, checks.Tags.admin)


def _check_admins(*, app_configs: Any, **options: Any) -> list[checks.CheckMessage]:
    admin.site.import_admins()  # type: ignore[attr-defined]  # the site is ours
    messages: list[checks.CheckMessage] = check_admin_app(app_configs, **options)
    return messages
