"""What other apps add to the admin pages of tracker models."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

from trackers.models import TrackerModel


class ModelExtension(Protocol):
    """Columns for the admin pages of tracker models, and reasons why models must not be deleted."""

    def annotate(self, models: QuerySet[Any]) -> QuerySet[Any]:
        """Add to the models what `get_columns` and `list_deletion_errors` read."""

    def get_columns(self, person: User | AnonymousUser) -> Sequence[Callable[[Any], str]]:
        """Return the columns of the list, which are also fields of a model's page; as in `list_display`."""

    def list_deletion_errors(self, models: QuerySet[TrackerModel]) -> Sequence[str]:
        """Return a sentence for each of these annotated models that must not be deleted."""


extensions: list[ModelExtension] = []


def register(extension: ModelExtension) -> None:
    """Add an extension; call it in AppConfig.ready."""
    extensions.append(extension)
