"""Proxies for the tables of Django that accounts consist of, with triggers: history, user names, ends of sessions."""

from typing import Any

import pgtrigger
from django.contrib.auth.models import Group, User
from django_otp.plugins.otp_totp.models import TOTPDevice

from healthtrack.accounts.security_resets import NotesPassword, NotesSecondFactor
from healthtrack.audit.account_names import RecordsUserNames
from healthtrack.audit.recording import WITHOUT_VALUE, Recording
from healthtrack.audit.triggers import history_as

USER, GROUP = "auth.User", "auth.Group"
NAME_OF_USER = "(SELECT username FROM auth_user WHERE id = {user_id})"
_NAME_OF_GROUP = "(SELECT name FROM auth_group WHERE id = {group_id})"
_GROUP = "coalesce((SELECT name FROM auth_group WHERE id = {0}), 'number ' || {0})"
_PERMISSION = (
    "coalesce((SELECT format('%s (%s.%s)', name, app_label, codename) FROM auth_permission"
    " JOIN django_content_type ON django_content_type.id = content_type_id WHERE auth_permission.id = {0}),"
    " 'number ' || {0})"
)


def _session_ending_trigger(**when: Any) -> pgtrigger.Trigger:
    row = "OLD" if when["operation"] == pgtrigger.Delete else "NEW"
    user = "id" if row == "NEW" else "user_id"
    return pgtrigger.Trigger(
        name="ends_sessions",
        when=pgtrigger.After,
        func=f"DELETE FROM sessions WHERE user_id = {row}.{user}; RETURN NULL;",  # noqa: S608 (our own names)
        **when,
    )


def _link_ending_trigger(column: str, **when: Any) -> pgtrigger.Trigger:
    """Return a trigger that ends the link of the account whose number is in this column of the new row."""
    return pgtrigger.Trigger(
        name="ends_sign_in_link",
        when=pgtrigger.After,
        func=f"DELETE FROM sign_in_links WHERE account_id = NEW.{column}; RETURN NULL;",  # noqa: S608  (our own names)
        **when,
    )


class NeverDeleted(pgtrigger.Trigger):
    """Refuse to delete accounts, for every database role.

    The trigger calls a function of our own, which a migration creates: those of pgtrigger can be switched off by a
    setting of the session.
    """

    name = "never_deleted"
    level = pgtrigger.Statement
    when = pgtrigger.Before
    operation = pgtrigger.Delete | pgtrigger.Truncate
    func = "RETURN NULL;"

    def render_execute(self, model: Any) -> str:
        return "refuse_deletion()"


class SignedInUser(User):
    """The accounts. Losing a right, or another password, ends the sessions of an account."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "user"
        triggers = [
            _session_ending_trigger(
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.is_active > NEW.is_active OR OLD.is_staff > NEW.is_staff"
                    " OR OLD.is_superuser > NEW.is_superuser OR OLD.password <> NEW.password"
                ),
            ),
            _link_ending_trigger(
                "id",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.last_login IS DISTINCT FROM NEW.last_login OR OLD.password <> NEW.password"
                    " OR OLD.is_active > NEW.is_active OR OLD.is_superuser < NEW.is_superuser"
                ),
            ),
            NeverDeleted(),
            NotesPassword(),
            RecordsUserNames(),
            *history_as(
                Recording(
                    concerns=USER,
                    column="id",
                    name="{username}",
                    columns={
                        **dict.fromkeys(("username", "first_name", "last_name", "email"), "{}"),
                        **dict.fromkeys(("is_active", "is_staff", "is_superuser", "date_joined"), "{}"),
                        "password": WITHOUT_VALUE,
                    },
                )
            ),
        ]


class RecordedUserGroup(User.groups.through):  # type: ignore[misc,name-defined]  # made by Django, for which the stubs have no type
    """The roles of accounts. Losing one ends the sessions of the account."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "role of user"
        verbose_name_plural = "roles of users"
        triggers = [
            _session_ending_trigger(operation=pgtrigger.Delete),
            _link_ending_trigger("user_id", operation=pgtrigger.Insert),
            *history_as(Recording(USER, "user_id", NAME_OF_USER, {"group_id": _GROUP}, {"group_id": "Role"})),
        ]


class RecordedUserPermission(User.user_permissions.through):  # type: ignore[misc,name-defined]  # as above
    """The permissions of accounts. Losing one ends the sessions of the account."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "permission of user"
        verbose_name_plural = "permissions of users"
        triggers = [
            _session_ending_trigger(operation=pgtrigger.Delete),
            _link_ending_trigger("user_id", operation=pgtrigger.Insert),
            *history_as(Recording(USER, "user_id", NAME_OF_USER, {"permission_id": _PERMISSION})),
        ]


class RecordedGroup(Group):
    """The roles."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "role"
        triggers = history_as(Recording(GROUP, "id", "{name}", {"name": "{}"}))


class RecordedGroupPermission(Group.permissions.through):  # type: ignore[misc,name-defined]  # as above
    """The permissions of roles."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "permission of role"
        verbose_name_plural = "permissions of roles"
        triggers = history_as(Recording(GROUP, "group_id", _NAME_OF_GROUP, {"permission_id": _PERMISSION}))


class RecordedDevice(TOTPDevice):
    """The authenticator apps of accounts."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "authenticator app of user"
        verbose_name_plural = "authenticator apps of users"
        triggers = [
            NotesSecondFactor(),
            *history_as(
                Recording(
                    USER,
                    "user_id",
                    NAME_OF_USER,
                    {"name": "{}", "confirmed": "{}", "key": WITHOUT_VALUE},
                    {"confirmed": "In use"},
                )
            ),
        ]
