"""Read the environment variables that configure HealthTrack, once, into one typed and frozen object.

`healthtrack.settings` turns the object into Django settings; nothing else reads configuration from the environment.
The table of docs/settings.md is generated from the declarations in the modules of this package.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured

from healthtrack.core.environment_values import InvalidValueError
from healthtrack.core.environment_variables import Variable
from healthtrack.environment.rules import Rules
from healthtrack.environment.security import Security
from healthtrack.environment.servers import Servers


@dataclass(frozen=True, kw_only=True, repr=False)  # with DEBUG, an error page would show the secrets
class Environment(Rules, Security, Servers):
    """The environment variables; `declare` states the default of each and its row in docs/settings.md.

    The fields of a dataclass begin with those of its last base class.
    """

    renamed: tuple[tuple[str, str], ...] = ()  # old names that are set, each with its new name

    @classmethod
    def variables(cls) -> dict[str, Variable]:
        """Return the declared variables by the name of their field."""
        return {declared.name: declared.metadata["variable"] for declared in fields(cls) if declared.metadata}

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Return the parsed variables; raise ImproperlyConfigured, with a remedy, if one is invalid."""
        given: dict[str, Any] = {}
        renamed = []
        for field_name, variable in cls.variables().items():
            name, text = variable.read(variables)
            if not text:
                continue
            try:
                given[field_name] = variable.parse(text)
            except InvalidValueError as error:
                raise ImproperlyConfigured(f"{name} {error}") from error
            if name == variable.old_name:
                renamed.append((name, variable.name))
        environment = cls(**given, renamed=tuple(renamed))
        environment.refuse_contradictions()
        if environment.production:
            environment.refuse_unsafe_values({cls.variables()[name].name for name, value in given.items() if value})
            environment.refuse_unverified_database(variables)
        return environment
