"""The roles as groups in the database. They are updated from the table after each migration."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from healthtrack.audit.actor import acting_as_command
from healthtrack.roles.table import ROLES

_Held = Group.permissions.through


@transaction.atomic
@acting_as_command("migrate")
def update_role_groups(**_: Any) -> None:
    """Create the groups of all roles, and give each exactly the permissions of its role.

    Permissions that do not exist are skipped: they belong to an app that is not installed.
    """
    names = [role.name for role in ROLES]
    Group.objects.bulk_create([Group(name=name) for name in names], ignore_conflicts=True)
    groups = dict(Group.objects.filter(name__in=names).values_list("name", "pk"))
    existing = {
        f"{app}.{codename}": key
        for app, codename, key in Permission.objects.values_list("content_type__app_label", "codename", "pk")
    }
    wanted = {
        (groups[role.name], existing[permission]) for role in ROLES for permission in role.permissions & existing.keys()
    }
    held = {
        (group, permission): key
        for key, group, permission in _Held.objects.filter(group__in=groups.values()).values_list(
            "pk", "group", "permission"
        )
    }
    _Held.objects.filter(pk__in=[key for pair, key in held.items() if pair not in wanted]).delete()
    missing = [_Held(group_id=group, permission_id=permission) for group, permission in wanted - held.keys()]
    _Held.objects.bulk_create(missing, ignore_conflicts=True)
