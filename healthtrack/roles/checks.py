"""Check that the roles come last among the apps."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error


def check_place_among_apps(**_: Any) -> Sequence[CheckMessage]:
    """Check that the roles get their permissions after all apps have created theirs.

    After a migration, Django lets the apps create their permissions in the order in which they are installed.
    """
    *_others, last = (app.label for app in apps.get_app_configs() if app.models_module)
    if last == "roles":
        return []
    return [
        Error(
            f"{last} is installed after healthtrack.roles, so roles would be set up before its permissions exist.",
            hint="Make healthtrack.roles the last app with models in INSTALLED_APPS.",
            id="roles.E001",
        )
    ]
