"""Emergency access: who holds the permission may give a reason, and then sees everything for an hour."""

import logging
from datetime import timedelta

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.utils import timezone

from healthtrack.roles.models import LASTS, EmergencyAccess, EmergencyEnd
from healthtrack.roles.table import seen_in_emergency

REMEMBERED = timedelta(days=7)
USE = "roles.use_emergencyaccess"
logger = logging.getLogger(__name__)


class EmergencyBackend(BaseBackend):
    """Adds what a person in an emergency may see to what they may do anyway."""

    def get_all_permissions(self, user_obj: User | AnonymousUser, obj: object = None) -> set[str]:
        return set(seen_in_emergency()) if obj is None and running_access(user_obj) else set()

    def has_module_perms(self, user_obj: User | AnonymousUser, app_label: str) -> bool:
        return any(name.startswith(f"{app_label}.") for name in self.get_all_permissions(user_obj))


def own_permissions(user: User | AnonymousUser) -> set[str]:
    """Those held for good."""
    return ModelBackend().get_all_permissions(user)


def may_use(user: User | AnonymousUser) -> bool:
    return user.is_active and user.is_staff and USE in own_permissions(user)


def running_access(user: User | AnonymousUser) -> EmergencyAccess | None:
    """Asked once a request, which has a user object of its own."""
    if not hasattr(user, "_running_access"):
        # A superuser sees everything anyway.
        found = _running(user).first() if not user.is_superuser and may_use(user) else None
        user._running_access = found  # type: ignore[union-attr]
    access: EmergencyAccess | None = user._running_access  # type: ignore[union-attr]
    return access


def begin(user: User, reason: str, client_address: str) -> None:
    now = timezone.now()
    EmergencyAccess.objects.create(
        person=user, reason=reason, client_address=client_address or None, began_at=now, ends_at=now + LASTS
    )
    logger.warning("An emergency access began; the list of emergency accesses says whose and why.")


def end(user: User) -> None:
    ends = [EmergencyEnd(access=access, ended_at=timezone.now()) for access in _running(user)]
    EmergencyEnd.objects.bulk_create(ends, ignore_conflicts=True)


def lately() -> list[EmergencyAccess]:
    """Those of the last days, the newest first."""
    since = timezone.now() - REMEMBERED
    return list(EmergencyAccess.objects.filter(ends_at__gt=since).select_related("person"))


def _running(user: User | AnonymousUser) -> QuerySet[EmergencyAccess]:
    return EmergencyAccess.objects.filter(person=user.pk, ends_at__gt=timezone.now(), end=None)
