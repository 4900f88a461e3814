"""Decide who may see what, by Django's permissions."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from django.contrib.auth import get_permission_codename

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User
    from django.db.models import Model

Person: TypeAlias = "User | AnonymousUser"


def can_view(person: Person, model: "type[Model]") -> bool:
    """Return whether the person may see the model's rows; as in Django's admin, who may change rows sees them."""
    options = model._meta
    return any(
        person.has_perm(f"{options.app_label}.{get_permission_codename(action, options)}")
        for action in ("view", "change")
    )


def has_all(*permissions: str) -> Callable[[Person], bool]:
    """Return a function that returns whether a person has all of these permissions."""
    return lambda person: person.has_perms(permissions)
