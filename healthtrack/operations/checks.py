"""Checks of the configuration: Django runs them at the start of a command, and `check --deploy` all of them."""

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register
def check_renamed_variables(**_: Any) -> list[checks.CheckMessage]:
    """Warn of environment variables that are set under a name which the next release no longer reads."""
    return [
        checks.Warning(
            f"The environment variable {old} has a new name, {new}.",
            hint=f"Set {new} instead: the next release no longer reads {old}.",
            id="healthtrack.W001",
        )
        for old, new in settings.ENVIRONMENT.renamed
    ]
