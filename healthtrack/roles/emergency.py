"""Emergency access: people with the permission can give a reason, and then view everything for an hour."""

from datetime import timedelta

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.utils import timezone

from healthtrack.roles.models import DURATION, EmergencyAccess, EmergencyEnd
from healthtrack.roles.table import emergency_permissions

SHOWN_ON_HOME_FOR = timedelta(days=7)
USE = "roles.use_emergencyaccess"


class EmergencyBackend(BaseBackend):
    """Adds permissions to view everything while a person has emergency access."""

    def get_all_permissions(self, user_obj: User | AnonymousUser, obj: object = None) -> set[str]:
        if obj is not None or not running_access(user_obj):
            return set()
        if not hasattr(user_obj, "_emergency_permissions"):  # as pages ask for many permissions of a person
            user_obj._emergency_permissions = emergency_permissions()  # type: ignore[union-attr]  # our own attribute of users
        return set(user_obj._emergency_permissions)  # type: ignore[union-attr]  # our own attribute of users

    def has_module_perms(self, user_obj: User | AnonymousUser, app_label: str) -> bool:
        return any(name.startswith(f"{app_label}.") for name in self.get_all_permissions(user_obj))


def own_permissions(user: User | AnonymousUser) -> set[str]:
    """Return the permissions that the person has permanently, without those of emergency access."""
    return ModelBackend().get_all_permissions(user)


def may_use(user: User | AnonymousUser) -> bool:
    """Return whether the person may start emergency access."""
    return user.is_active and user.is_staff and USE in own_permissions(user)


def running_access(user: User | AnonymousUser) -> EmergencyAccess | None:
    """Return the person's current emergency access, or None.

    The result is cached on the user object, which exists for one request.
    """
    if not hasattr(user, "_running_access"):
        # A superuser can view everything anyway.
        found = _running(user).first() if not user.is_superuser and may_use(user) else None
        user._running_access = found  # type: ignore[union-attr]  # our own attribute of users
    access: EmergencyAccess | None = user._running_access  # type: ignore[union-attr]  # our own attribute of users
    return access


def begin(user: User, reason: str, client_address: str) -> None:
    """Start emergency access for an hour."""
    now = timezone.now()
    EmergencyAccess.objects.create(
        person=user, reason=reason, client_address=client_address or None, began_at=now, ends_at=now + DURATION
    )


def end(user: User) -> None:
    """End the person's emergency access before its hour is over."""
    ends = [EmergencyEnd(access=access, ended_at=timezone.now()) for access in _running(user)]
    EmergencyEnd.objects.bulk_create(ends, ignore_conflicts=True)


def recent_accesses() -> list[EmergencyAccess]:
    """Return the emergency accesses of the last seven days, newest first."""
    since = timezone.now() - SHOWN_ON_HOME_FOR
    return list(EmergencyAccess.objects.filter(ends_at__gt=since).select_related("person"))


def _running(user: User | AnonymousUser) -> QuerySet[EmergencyAccess]:
    return EmergencyAccess.objects.filter(person=user.pk, ends_at__gt=timezone.now(), end=None)
